#!/bin/sh
# testpmd sends to a node over shared memory (net_memif): bench/testpmd/memif.sh [plain|flowgen|nsh] [SECONDS]
# shellcheck source=bench/testpmd/common.sh
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2154 # work: common.sh
run memif "net_memif0,role=server,socket=$work/memif,socket-abstract=no" \
    "net_memif0,role=client,socket=$work/memif,socket-abstract=no" "${1-plain}" "${2-2}"
