# Read by the scripts of this folder, which say how testpmd and the node are joined: a node whose port `link` is one
# end, testpmd behind the other end, both without hugepages, for some seconds; then the node's ledger.
#
#   run NAME NODE_DEVICE TESTPMD_DEVICE TRAFFIC SECONDS
#
# Traffic: plain    testpmd txonly, UDP over IPv4, 256 flows
#          flowgen  testpmd flowgen, 1,024 flows
#          nsh      NSH in VXLAN-GPE, 1,000 flows: net_pcap infinite_rx, forwarded as they are (io)
#
# The node classifies plain frames into a path, and forwards NSH; either goes to the next SFF over VXLAN-GPE, which is
# net_null. Each script shows the two commands it runs, to be copied.
# shellcheck shell=sh

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/build}
sff_pid=
testpmd_pid=
interfaces=
work=$(mktemp -d)

clean_up()
{
    for pid in $testpmd_pid $sff_pid; do
        kill "$pid" 2> /dev/null || continue
        wait "$pid" || :
    done
    for interface in $interfaces; do
        ip link del "$interface"
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

lacks()
{
    echo "SKIP: $*"
    exit 77
}

# veth A B: a pair of interfaces of the kernel without offloads and without addresses.
veth()
{
    [ "$(id -u)" -eq 0 ] || lacks "not root: interfaces are to be made"
    ip link add "$1" type veth peer name "$2" 2> /dev/null || lacks "no veth pairs here"
    interfaces=$1
    for interface in "$1" "$2"; do
        sysctl -qw "net.ipv6.conf.$interface.disable_ipv6=1"
        ethtool -K "$interface" tx off tso off gso off gro off > /dev/null
        ip link set "$interface" mtu 1800 up
    done
}

domain()
{
    role=access
    [ "$2" != nsh ] || role=transport
    cat << END
sfc:
  node:
    - name: here
      port:
        - { name: link, device: "$1", role: $role, mac: "02:00:00:00:0a:01" }
        - { name: out, device: "net_null0,no-rx=1", role: transport, address: 10.98.0.1/24 }
      locator:
$([ "$2" != nsh ] || echo '        - { transport: vxlan-gpe, address: 10.99.0.1, vni: 100, port: link }')
        - { transport: vxlan-gpe, address: 10.98.0.1, vni: 100, port: out }
    - name: before
      locator: { transport: vxlan-gpe, address: 10.99.0.2, vni: 100, mac: "02:00:00:00:ee:01" }
    - name: next
      port: [ { name: end, device: none, role: access } ]
      locator: { transport: vxlan-gpe, address: 10.98.0.2, vni: 100, mac: "02:00:00:00:ee:02" }
  function:
    - { name: far, instance: [ { name: far-1, node: next, vm: { image: none } } ] }
  path:
    - { name: web, spi: 100, hops: [far], egress: end }
$([ "$2" = nsh ] || printf '  rule:\n    - { name: all, match: { port: link }, action: { path: web } }')
END
}

run()
{
    command -v dpdk-testpmd > /dev/null || lacks "no dpdk-testpmd here: apt-get install dpdk-dev"
    name=$1
    domain "$2" "$4" > "$work/domain.yaml"
    export XDG_RUNTIME_DIR="$work"
    echo "\$ $build/bin/sff --config $work/domain.yaml --node here"
    "$build/bin/sff" --config "$work/domain.yaml" --node here > "$work/node" 2>&1 &
    sff_pid=$!
    sleep 1 # for its port to be there: the other end may have to connect
    # All of testpmd runs on the first CPU; the node's worker polls on the last.
    set -- "$3" "$4" "$5" --no-huge -m 256 --no-pci --no-telemetry --file-prefix="$name-$$"
    link=$1 traffic=$2 seconds=$3
    shift 3
    set -- --lcores=0@0,1@0 "$@"
    case $traffic in
        plain) set -- "$@" --vdev="$link" -- --forward-mode=txonly --tx-ip=10.1.0.1,10.2.0.1 --tx-udp=1024,80 \
            --txonly-multi-flow ;;
        flowgen) set -- "$@" --vdev="$link" -- --forward-mode=flowgen --flowgen-flows=1024 --flowgen-clones=0 ;;
        nsh)
            python3 "$top/bench/peer_frames.py" "$work/nsh.pcap" 1000
            set -- "$@" --vdev="net_pcap0,rx_pcap=$work/nsh.pcap,infinite_rx=1" --vdev="$link" -- --forward-mode=io
            ;;
        *)
            echo "$name: traffic is plain, flowgen or nsh, not '$traffic'" >&2
            exit 1
            ;;
    esac
    # Its standard input stays open: at its end testpmd ends.
    mkfifo "$work/stdin"
    sleep "$((seconds + 20))" > "$work/stdin" &
    holder=$!
    set -- "$@" --nb-cores=1 --total-num-mbufs=8192
    echo "\$ dpdk-testpmd $*"
    : > "$work/testpmd"
    stdbuf -oL dpdk-testpmd "$@" < "$work/stdin" > "$work/testpmd" 2>&1 &
    testpmd_pid=$!
    for _ in $(seq 100); do
        ! grep -q 'Press enter to exit' "$work/testpmd" || break
        sleep 0.1
    done
    sleep "$seconds"
    if ! kill -0 "$testpmd_pid" 2> /dev/null; then
        cat "$work/testpmd"
        exit 1
    fi
    # The node first: a memif that goes away under a port that polls it is unmapped by DPDK 22.11 while it is read.
    kill -TERM "$sff_pid" 2> /dev/null || :
    code=0
    wait "$sff_pid" || code=$?
    sff_pid=
    kill "$holder"
    kill -INT "$testpmd_pid" 2> /dev/null || :
    wait "$testpmd_pid" || :
    testpmd_pid=
    cat "$work/node"
    return "$code"
}
