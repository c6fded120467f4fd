#!/bin/sh
# Check commit messages: "room: what it does" in at most 72 columns, a blank line, a body that says why, and no path
# of one person's machine.
#
#   tests/style/check-commits.sh [RANGE]
#
# RANGE is what git rev-list takes; without it, the commits that the upstream branch does not have, or else the
# last one. Exit 77 where there is no history to look at.
set -eu
cd "$(dirname "$0")/../.."

git()
{
    command git -c safe.directory="$PWD" "$@"
}

if ! command -v git > /dev/null || ! git rev-parse --quiet --verify HEAD > /dev/null 2>&1; then
    echo "SKIP: no git history here"
    exit 77
fi
range=${1-}
if [ -z "$range" ]; then
    range='@{upstream}..HEAD'
    git rev-parse --quiet --verify '@{upstream}' > /dev/null 2>&1 &&
        [ -n "$(git rev-list --no-merges "$range")" ] || range='-1 HEAD'
fi

status=0
wrong()
{
    echo "$(git log -1 --format='%h "%s"' "$commit"): $*"
    status=1
}

# A range may be several words.
# shellcheck disable=SC2086
for commit in $(git rev-list --no-merges $range); do
    message=$(git log -1 --format=%B "$commit")
    subject=$(printf '%s\n' "$message" | head -n 1)
    [ "${#subject}" -le 72 ] || wrong "the subject has ${#subject} columns, at most 72 are allowed"
    printf '%s\n' "$subject" | grep -Eq '^[a-z0-9_./-]+(, [a-z0-9_./-]+)*: [a-z]' ||
        wrong "the subject is not of the form 'room: what it does'"
    case $subject in
        *.) wrong "the subject ends with a full stop" ;;
    esac
    [ -z "$(printf '%s\n' "$message" | sed -n 2p)" ] || wrong "the second line is not blank"
    printf '%s\n' "$message" | sed 1,2d | grep -Evq '^([A-Z][A-Za-z-]*-by: |$)' ||
        wrong "no body says why"
    if printf '%s\n' "$message" | grep -Eq '(^|[^A-Za-z0-9._-])/(home|root|work|Users|mnt)/'; then
        wrong "names a path of one machine"
    fi
done
exit $status
