#!/bin/sh
# testpmd sends to a node over a veth pair, both by XDP sockets (net_af_xdp).
# bench/testpmd/af_xdp.sh [plain|flowgen|nsh] [SECONDS]
# shellcheck source=bench/testpmd/common.sh
. "$(dirname "$0")/common.sh"

veth "tp$$a" "tp$$b"
run af_xdp "net_af_xdp0,iface=tp$$a" "net_af_xdp0,iface=tp$$b" "${1-plain}" "${2-2}"
