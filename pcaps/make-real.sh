#!/bin/sh
# Record real traffic of real programs into this directory (or DIR).
#
#   pcaps/make-real.sh [DIR]
#
# Two network namespaces joined by a veth pair stand for clients and servers; the capture is
# taken on the clients' end. Clients have addresses in 10.1.0.0/16 and fd00:1::/64, one guest
# in 10.3.0.0/16; the servers are behind their gateway 10.1.0.1 in 10.2.0.0/16 and fd00:2::/64.
# Needs root and the Debian packages named by need() below. Takes about ten seconds and
# leaves nothing behind but the captures. Two runs differ in times, ports, TLS bytes and a few frames.

set -eu

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "$0"
}

die() {
    echo "make-real: $*" >&2
    exit 1
}

need() {  # PROGRAM PACKAGE
    command -v "$1" >/dev/null || die "$1 is missing (Debian package $2)"
}

case "${1-}" in
-h | --help) usage; exit 0 ;;
-*) usage >&2; exit 1 ;;
esac
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
[ -d "$out" ] || die "$out: not a directory"
[ "$(id -u)" = 0 ] || die "must be root to make network namespaces"
need ip iproute2
need ethtool ethtool
need tcpdump tcpdump
need editcap wireshark-common
need nginx nginx-light
need openssl openssl
need curl curl
need dnsmasq dnsmasq-base
need dig bind9-dnsutils
need iperf3 iperf3
need ping iputils-ping
need sysctl procps
need python3 python3

clients=sluice-clients-$$
servers=sluice-servers-$$
tmp=$(mktemp -d)
pids=
tcpdump=

cleanup() {
    trap - EXIT INT TERM HUP
    for pid in $pids $tcpdump; do
        kill "$pid" 2>/dev/null || :
    done
    wait
    ip netns del "$clients" 2>/dev/null || :
    ip netns del "$servers" 2>/dev/null || :
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

at() {    # NAMESPACE COMMAND...
    ns=$1
    shift
    ip netns exec "$ns" "$@"
}

# Run a client program: bounded in time, quiet, and its failure is ours.
client() {
    said=$(ip netns exec "$clients" timeout 20 "$@" 2>&1) || die "failed: $*: $said"
}

# Start a long-running program in a namespace and remember its pid.
start() {  # NAMESPACE COMMAND...
    ns=$1
    shift
    ip netns exec "$ns" "$@" >>"$tmp/daemons.log" 2>&1 &
    pids="$pids $!"
}

wait_for() {  # WHAT COMMAND...
    what=$1
    shift
    tries=100
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { cat "$tmp"/*.log >&2; die "$what did not come up"; }
        sleep 0.05
    done
}

# ---- the link ----

links() {
    ip netns add "$clients"
    ip netns add "$servers"
    for ns in "$clients" "$servers"; do
        at "$ns" sysctl -qw net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.router_solicitations=0
    done
    ip link add wire netns "$clients" address 02:00:00:00:01:01 type veth \
        peer name wire netns "$servers" address 02:00:00:00:02:01
    for ns in "$clients" "$servers"; do
        # Without offloads the frames on the link are what a cable would carry.
        at "$ns" ethtool -K wire tx off rx off sg off tso off gso off gro off >/dev/null
        at "$ns" ip link set lo up
        at "$ns" ip link set wire up
    done
    for a in 10.1.0.11 10.1.0.12 10.1.0.13 10.1.7.21 10.1.7.22 10.1.200.31; do
        at "$clients" ip addr add $a/16 dev wire
    done
    at "$clients" ip addr add 10.3.0.11/16 dev wire
    for a in fd00:1::11 fd00:1::12 fd00:1::21; do
        at "$clients" ip addr add $a/64 dev wire nodad
    done
    at "$servers" ip addr add 10.1.0.1/16 dev wire
    at "$servers" ip addr add 10.3.0.1/16 dev wire
    at "$servers" ip addr add fd00:1::1/64 dev wire nodad
    at "$servers" ip addr add 10.2.0.10/32 dev lo
    at "$servers" ip addr add 10.2.0.53/32 dev lo
    at "$servers" ip addr add fd00:2::a/128 dev lo
    at "$servers" ip addr add fd00:2::53/128 dev lo
    at "$clients" ip route add 10.2.0.0/16 via 10.1.0.1
    at "$clients" ip route add fd00:2::/64 via fd00:1::1
}

# VLAN 30, and VLAN 30 inside service VLAN 200, both on the same link.
tagged_links() {
    start "$clients" "$here/vlan-tap.py" wire.30 wire 30
    start "$servers" "$here/vlan-tap.py" wire.30 wire 30
    start "$clients" "$here/vlan-tap.py" wire.200.30 wire 200 30
    start "$servers" "$here/vlan-tap.py" wire.200.30 wire 200 30
    net=30
    for tap in wire.30 wire.200.30; do
        host=2
        for ns in "$clients" "$servers"; do
            wait_for "$tap" ip -n "$ns" link show "$tap"
            # Room for two tags in the link's MTU of 1500.
            at "$ns" ip link set "$tap" mtu 1492 address 02:00:00:$net:0$host:01 up
            at "$ns" ip addr add 10.$net.0.$host/24 dev "$tap"
            at "$ns" ip addr add fd00:$net::$host/64 dev "$tap" nodad
            host=1
        done
        net=31
    done
}

# ---- the servers ----

page() {  # BYTES
    yes "Sluice test page: the quick brown fox jumps over the lazy dog." | head -c "$1"
}

servers() {
    mkdir "$tmp/www"
    page 512 >"$tmp/www/index.html"
    page 9000 >"$tmp/www/page.html"
    page 40000 >"$tmp/www/large.html"
    openssl req -x509 -newkey rsa:2048 -nodes -days 36500 -subj /CN=www.example.test \
        -addext subjectAltName=DNS:www.example.test \
        -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl.log"
    cat >"$tmp/nginx.conf" <<END
daemon off;
master_process off;
pid $tmp/nginx.pid;
events { worker_connections 256; }
http {
    types { text/html html; }
    access_log off;
    client_body_temp_path $tmp/body;
    proxy_temp_path $tmp/proxy;
    fastcgi_temp_path $tmp/fastcgi;
    uwsgi_temp_path $tmp/uwsgi;
    scgi_temp_path $tmp/scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate $tmp/cert.pem;
    ssl_certificate_key $tmp/key.pem;
    server {
        listen 0.0.0.0:80;
        listen [::]:80;
        listen 0.0.0.0:443 ssl http2;
        listen [::]:443 ssl http2;
        root $tmp/www;
    }
}
END
    start "$servers" nginx -p "$tmp" -e "$tmp/nginx.log" -c "$tmp/nginx.conf"
    start "$servers" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
        --user=root --pid-file="$tmp/dnsmasq.pid" --bind-interfaces --except-interface=none \
        --listen-address=10.2.0.53 --listen-address=fd00:2::53 \
        --host-record=www.example.test,10.2.0.10,fd00:2::a \
        --cname=web.example.test,www.example.test --local=/test/ --local-ttl=300 \
        --txt-record=info.example.test,"$(page 200)"
    start "$servers" iperf3 --server --bind 10.2.0.10
    start "$servers" iperf3 --server --bind fd00:2::a
    wait_for nginx at "$servers" curl -sf -o /dev/null http://10.2.0.10/
    wait_for dnsmasq at "$servers" dig +time=1 +tries=1 @10.2.0.53 www.example.test
    wait_for "iperf3 (IPv4)" sh -c "ip netns exec $servers ss -Hltn 'sport = 5201' | grep -q 10.2.0.10"
    wait_for "iperf3 (IPv6)" sh -c "ip netns exec $servers ss -Hltn 'sport = 5201' | grep -q fd00:2::a"
}

# ---- the clients ----

fetch() {  # SOURCE SCHEME PAGES... (over one connection)
    from=$1
    scheme=$2
    shift 2
    case $from in
    *:*) to="[fd00:2::a]" ;;
    *) to=10.2.0.10 ;;
    esac
    urls=
    for name; do
        urls="$urls $scheme://www.example.test/$name"
    done
    # shellcheck disable=SC2086
    client curl -sfk --interface "$from" --resolve "www.example.test:80:$to" \
        --resolve "www.example.test:443:$to" $urls
}

http() {
    fetch 10.1.0.11 http index.html page.html
    fetch fd00:1::11 http index.html page.html
    fetch 10.1.0.12 http large.html
}

tls() {
    fetch 10.1.0.11 https index.html page.html
    fetch fd00:1::11 https page.html
    client curl -sfk --tls-max 1.2 --interface 10.1.0.13 https://10.2.0.10/
}

ask() {    # SOURCE DIG-ARGUMENTS...
    from=$1
    shift
    case $from in
    *:*) client dig +time=2 +tries=1 -b "$from" @fd00:2::53 "$@" ;;
    *) client dig +time=2 +tries=1 -b "$from" @10.2.0.53 "$@" ;;
    esac
}

dns() {    # SOURCE...
    for from; do
        ask "$from" www.example.test A
        ask "$from" www.example.test AAAA
        ask "$from" web.example.test A
        ask "$from" info.example.test TXT
        ask "$from" absent.example.test A
    done
    ask 10.1.0.11 +tcp www.example.test A
    ask fd00:1::11 +tcp www.example.test AAAA
}

ping4() {  # COUNT
    client ping -q -c "$1" -i 0.02 -I 10.1.0.11 10.2.0.10
}

ping6() {  # COUNT
    client ping -q -c "$1" -i 0.02 -I fd00:1::11 fd00:2::a
}

fragments() {
    client ping -q -c 3 -i 0.05 -s 4000 -I 10.1.0.12 10.2.0.10
    client ping -q -c 3 -i 0.05 -s 4000 -I fd00:1::12 fd00:2::a
}

iperf() {
    client iperf3 -c 10.2.0.10 -B 10.1.0.13 -n 60K -l 4K
    client iperf3 -c 10.2.0.10 -B 10.1.0.13 -u -n 20K -l 200 -b 2M
    client iperf3 -c fd00:2::a -B fd00:1::12 -u -n 10K -l 200 -b 2M
}

vlan() {
    for net in 30 31; do
        client ping -q -c 3 -i 0.05 10.$net.0.1
        client ping -q -c 3 -i 0.05 fd00:$net::1
        client curl -sf http://10.$net.0.1/index.html http://10.$net.0.1/page.html
        client curl -sf "http://[fd00:$net::1]/page.html"
    done
}

# Closed ports answer with a TCP reset and an ICMP error; both clients are meant to fail.
refused() {
    ip netns exec "$clients" curl -s --interface 10.1.7.22 http://10.2.0.10:8081/ && die "port 8081 is open"
    ip netns exec "$clients" dig +time=1 +tries=1 -b 10.1.7.22 -p 5354 @10.2.0.10 . >"$tmp/refused.log" &&
        die "port 5354 is open"
    return 0
}

# The demo's day on a small office link: several clients at once, of every kind.
mixed() {
    jobs=
    { ping4 60; ping4 60; } &
    jobs="$jobs $!"
    { ping6 60; ping6 60; } &
    jobs="$jobs $!"
    for from in 10.1.0.11 10.1.0.12 10.1.7.21 10.1.200.31 10.3.0.11 fd00:1::11 fd00:1::12 fd00:1::21; do
        {
            fetch "$from" http index.html page.html
            fetch "$from" https index.html page.html
            fetch "$from" http page.html
        } &
        jobs="$jobs $!"
    done
    { dns 10.1.0.11 10.1.0.12 10.1.7.21 10.1.7.22 10.3.0.11 fd00:1::11 fd00:1::21; } &
    jobs="$jobs $!"
    { iperf; refused; fragments; vlan; } &
    jobs="$jobs $!"
    for job in $jobs; do
        wait "$job" || die "a client of the mixed capture failed"
    done
}

# ---- capture ----

record() {  # FILE FUNCTION ARGUMENTS...
    file=$1
    shift
    for ns in "$clients" "$servers"; do
        at "$ns" ip neigh flush all
    done
    : >"$tmp/tcpdump.log"
    ip netns exec "$clients" timeout 60 tcpdump -Z root -i wire -s 0 -c 5000 --immediate-mode -U \
        -w "$tmp/$file" 2>"$tmp/tcpdump.log" &
    tcpdump=$!
    wait_for tcpdump grep -q "listening on" "$tmp/tcpdump.log"
    "$@"
    sleep 0.3
    kill -INT $tcpdump
    wait $tcpdump || die "tcpdump failed: $(cat "$tmp/tcpdump.log")"
    tcpdump=
    grep -q "^0 packets dropped by kernel" "$tmp/tcpdump.log" || die "tcpdump lost frames for $file"
    echo "$file: $(sed -n 's/ packets captured/ frames/p' "$tmp/tcpdump.log")"
}

links
tagged_links
servers
sleep 2    # duplicate address detection of the link-local addresses

record http.pcap http
record tls.pcap tls
record dns.pcap dns 10.1.0.11 fd00:1::11
record ping6.pcap ping6 10
record fragments.pcap fragments
record vlan.pcap vlan
record iperf.pcap iperf
record mixed.pcap mixed

editcap -F pcapng "$tmp/iperf.pcap" "$tmp/iperf.pcapng"
rm "$tmp/iperf.pcap"
cp "$tmp"/*.pcap "$tmp"/*.pcapng "$out"
