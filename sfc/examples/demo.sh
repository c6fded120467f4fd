#!/bin/sh
# The demo: recorded traffic enters at edge-1, passes a firewall and a monitor in VMs, crosses to edge-2 as NSH over
# VXLAN-GPE, and leaves the path there. What comes out must be what went in, without what the firewall denies.
#
#   sfc/examples/demo.sh BUILD_DIR
#
# Exit 0 only if the books of both nodes balance and the comparison holds.
set -eu
cd "$(dirname "$0")/../.."

build=${1?usage: sfc/examples/demo.sh BUILD_DIR}
config=sfc/examples/two-nodes.yaml
input=pcaps/mixed.pcap
denied='udp dst port 53' # as in the firewall's arguments in $config
out=$build/demo
core=$out/edge-1-core.pcap
wan=$out/edge-2-wan.pcap
mkdir -p "$out"

echo "== edge-1: classify, firewall, monitor, send to edge-2"
"$build/bin/sluice" replay "$config" --node edge-1 --in lan="$input" --out core="$core"
echo
echo "== edge-2: take the frames out of the path"
"$build/bin/sluice" replay "$config" --node edge-2 --in core="$core" --out wan="$wan"
echo
echo "== what came out at edge-2 against what went in at edge-1, without '$denied'"
pcaps/compare.py "$input" "$wan" --per-flow --without-bpf "$denied"
echo
echo "Captures: $input (in), $core (between the nodes), $wan (out). To look at them:"
echo "  tshark -r $core -Y nsh -T fields -e nsh.spi -e nsh.si -e nsh.ttl -e ip.src -e ip.dst"
echo "  tshark -r $core -c 1 -O nsh"
echo "  tshark -r $wan"
