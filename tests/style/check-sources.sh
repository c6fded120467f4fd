#!/bin/sh
# Check what no compiler or formatter does: blanks at line ends, marks of unfinished work, files too long to have one
# job, paths of one person's machine.
set -eu
cd "$(dirname "$0")/../.."

longest=600 # lines of a C file that is no test: those are tables

# The files of the tree; -I leaves out captures and other binaries.
sources()
{
    grep -rIl --exclude-dir=.git --exclude-dir=__pycache__ --exclude-dir=build "$@" . || true
}

status=0
report()
{
    [ -z "$2" ] || {
        printf '%s:\n%s\n' "$1" "$2"
        status=1
    }
}

report "blanks at the end of a line" "$(sources -E '[[:blank:]]+$' --exclude-dir=regress --exclude=*.tsv)"
report "marks of unfinished work" "$(sources -E '\b(TODO|FIXME|XXX)\b' --exclude=check-sources.sh)"
report "paths of one machine" \
    "$(sources -E '(^|[^A-Za-z0-9._$}-])/(home|root|work|Users)/' --exclude=check-sources.sh --exclude=check-commits.sh)"
report "more than $longest lines" "$(find . \( -path ./build -o -path ./.git -o -path ./tests \) -prune -o -name '*.[ch]' -print |
    while read -r file; do
        lines=$(wc -l < "$file")
        [ "$lines" -le "$longest" ] || echo "$file: $lines"
    done)"
report "the drop reasons of docs/manual.md are not those of sfc/sfc_drop.h; run tests/style/list-drops.sh" \
    "$(tests/style/list-drops.sh --diff || true)"
exit $status
