#!/bin/sh
# Write the table of drop reasons at the end of docs/manual.md anew, from sfc/sfc_drop.h; with --diff only show what
# would change.
set -eu
cd "$(dirname "$0")/../.."

new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
    sed '/^| name | meaning |$/,$d' docs/manual.md
    printf '| name | meaning |\n|---|---|\n'
    # X(SYMBOL, "name", "help"), which may be broken into lines.
    # shellcheck disable=SC2016 # backquotes are Markdown's
    tr '\011\012\134' '   ' < sfc/sfc_drop.h | grep -Eo 'X\([A-Z0-9_]+, *"[a-z0-9-]+", *"[^"]+"\)' |
        sed -E 's/X\([A-Z0-9_]+, *"([a-z0-9-]+)", *"([^"]+)"\)/| `\1` | \2 |/'
} > "$new"
if [ "${1-}" = --diff ]; then
    diff docs/manual.md "$new"
else
    cat "$new" > docs/manual.md
fi
