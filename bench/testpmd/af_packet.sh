#!/bin/sh
# testpmd sends to a node over a veth pair, both by packet sockets (net_af_packet).
# bench/testpmd/af_packet.sh [plain|flowgen|nsh] [SECONDS]
# shellcheck source=bench/testpmd/common.sh
. "$(dirname "$0")/common.sh"

veth "tp$$a" "tp$$b"
run af_packet "net_af_packet0,iface=tp$$a" "net_af_packet0,iface=tp$$b" "${1-plain}" "${2-2}"
