#!/bin/sh
# testpmd sends to a node as a guest would: net_virtio_user to the node's net_vhost.
# bench/testpmd/vhost.sh [plain|flowgen|nsh] [SECONDS]
# shellcheck source=bench/testpmd/common.sh
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2154 # work: common.sh
run vhost "net_vhost0,iface=$work/vhost" "net_virtio_user0,path=$work/vhost,queue_size=1024" "${1-plain}" "${2-2}"
