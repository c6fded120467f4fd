#!/usr/bin/env python3
"""Do foreign decoders and we read the same? check_decoders.py EMIT_PCAP READ_FRAMES DECODER

EMIT_PCAP and READ_FRAMES are the programs emit_pcap and read_frames. DECODER is tshark or scapy, which read what
we built, or scapy-built: we read what scapy built. Exit 77 = the decoder is not installed.
scapy is asked about NSH only with MD Type 1: the parser of its 2.5 raises TypeError on any MD Type 2.
"""
import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77


def read_expected(text):
    rows = []
    for line in text.splitlines():
        number, *words = line.split()
        rows.append(dict(w.split("=", 1) for w in words) | {"number": int(number)})
    return rows


class Checker:
    def __init__(self):
        self.checked = 0
        self.wrong = 0

    def same(self, number, what, got, want):
        self.checked += 1
        if got != want:
            self.wrong += 1
            print(f"frame {number}: {what}: decoder says {got!r}, we built {want!r}")


def run_tshark(path, fields, *options):
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,",
               "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", *options]
    for field in fields:
        command += ["-e", field]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    if run.returncode != 0:
        sys.exit(f"tshark failed: {run.stderr}")
    return [dict(zip(fields, line.split("\t"))) for line in run.stdout.splitlines()]


def by_tshark(path, rows, check):
    fields = ["nsh.version", "nsh.Obit", "nsh.ttl", "nsh.length", "nsh.mdtype", "nsh.nextproto", "nsh.spi",
              "nsh.si", "nsh.contextheader", "nsh.metadatalen", "vxlan.flags", "vxlan.vni", "vxlan.next_proto",
              "udp.srcport", "udp.dstport", "udp.checksum.status", "ip.checksum.status", "ip.flags.df", "ip.dsfield",
              "ipv6.tclass", "ipv6.flow", "ipv6.plen", "ip.len", "geneve.version", "geneve.flags", "geneve.vni",
              "geneve.proto_type", "gre.flags_and_version", "gre.proto", "gre.key", "gre.checksum.status", "ieee8021ad.id", "vlan.id",
              "_ws.malformed", "_ws.expert.message", "frame.protocols", "nsh.metadata", "frame.len"]
    # tshark knows no UDP port of NSH, nor NSH by name.
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('DissectorTable.get("udp.port"):add(6633, DissectorTable.get("ethertype"):get_dissector(0x894F))\n')
        script.flush()
        lines = run_tshark(path, fields, "-X", f"lua_script:{script.name}")
    check.same(0, "number of frames", len(lines), len(rows))
    for got, row in zip(lines, rows):
        check_nsh(got, row, check)
        check_outer(got, row, check)


def check_nsh(got, row, check):
    n = row["number"]

    def number(field):
        return int(got[field], 0)

    check.same(n, "version", number("nsh.version"), 0)
    check.same(n, "O bit", got["nsh.Obit"], row["oam"])
    check.same(n, "TTL", number("nsh.ttl"), int(row["ttl"]))
    check.same(n, "Length", number("nsh.length"), int(row["length"]))
    check.same(n, "MD Type", number("nsh.mdtype"), int(row["mdtype"]))
    check.same(n, "Next Protocol", number("nsh.nextproto"), int(row["np"]))
    check.same(n, "SPI", number("nsh.spi"), int(row["spi"]))
    check.same(n, "SI", number("nsh.si"), int(row["si"]))
    if row["mdtype"] == "1":
        check.same(n, "context", got["nsh.contextheader"].replace(",", "").replace(":", ""), row["context"])
    else:
        lens, values = tlvs_of(bytes.fromhex(row["context"]))
        check.same(n, "TLV lengths", [int(v, 0) for v in got["nsh.metadatalen"].split(",") if v], lens)
        seen = [v.replace(":", "") for v in got["nsh.metadata"].split(",") if v]
        check.same(n, "TLV values", seen, [v.hex() for v in values if v])
    # The inner packet is found, so the payload begins where we put it, and nothing is malformed.
    inner = "nsh:eth:ethertype:ip:udp" if row["np"] == "3" else "nsh:ip:udp"
    check.same(n, "inner protocols", inner in got["frame.protocols"], True)
    check.same(n, "malformed", got["_ws.malformed"], "")
    zero6 = row["family"] == "6" and row["transport"] != "gre" and row["checksum"] == "0"
    check.same(n, "expert message", got["_ws.expert.message"] == "", not zero6)


DST_PORTS = {"vxlan-gpe": "4790", "vxlan": "4789", "geneve": "6081", "udp": "6633"}


def check_outer(got, row, check):
    n, transport, family = row["number"], row["transport"], row["family"]

    def first(field):
        return got[field].split(",")[0]

    check.same(n, "VLANs", (got["ieee8021ad.id"], got["vlan.id"]),
               {"0": ("", ""), "1": ("", "30"), "2": ("5", "30")}[row["tags"]])
    # Every IPv4 header, the inner one too.
    check.same(n, "IPv4 checksums", set(got["ip.checksum.status"].split(",")), {"1"})
    behind_ip = int(got["frame.len"]) - 14 - 4 * int(row["tags"])
    if family == "4":
        check.same(n, "DF", first("ip.flags.df"), "1")
        check.same(n, "DSCP and ECN", int(first("ip.dsfield"), 0), 0x28)
        check.same(n, "IPv4 length", int(first("ip.len")), behind_ip)
    elif family == "6":
        check.same(n, "DSCP and ECN", int(first("ipv6.tclass"), 0), 0x28)
        check.same(n, "flow label", int(first("ipv6.flow"), 0), int(row["port"]))
        check.same(n, "IPv6 length", int(first("ipv6.plen")), behind_ip - 40)
    if transport in DST_PORTS:
        check.same(n, "source port", first("udp.srcport"), row["port"])
        check.same(n, "destination port", first("udp.dstport"), DST_PORTS[transport])
        status = "1" if row["checksum"] == "1" else "3"  # good, or not present
        check.same(n, "UDP checksum status", first("udp.checksum.status"), status)
    if transport in ("vxlan-gpe", "vxlan"):
        gpe = transport == "vxlan-gpe"
        check.same(n, "VXLAN flags", int(got["vxlan.flags"], 0), 0x0C if gpe else 0x0800)
        check.same(n, "GPE Next Protocol", got["vxlan.next_proto"], "4" if gpe else "")
        check.same(n, "VNI", got["vxlan.vni"], row["vni"])
    if transport == "geneve":
        check.same(n, "Geneve version and flags", (got["geneve.version"], int(got["geneve.flags"], 0)), ("0", 0))
        check.same(n, "Geneve VNI", int(got["geneve.vni"], 0), int(row["vni"]))
        want = 0x6558 if row["inner_ethernet"] == "1" else 0x894F
        check.same(n, "Geneve protocol", int(got["geneve.proto_type"], 0), want)
    if transport == "gre":
        flags = (0x8000 if row["checksum"] == "1" else 0) | (0x2000 if row["key"] == "1" else 0)
        check.same(n, "GRE flags", int(got["gre.flags_and_version"], 0), flags)
        check.same(n, "GRE protocol", int(got["gre.proto"], 0), 0x894F)
        check.same(n, "GRE checksum status", got["gre.checksum.status"], "1" if row["checksum"] == "1" else "")
        if row["key"] == "1":
            check.same(n, "GRE key", int(got["gre.key"], 0), int(row["vni"]))


def underlay_by_tshark(path, rows, check):
    fields = sorted({key for row in rows for key in row if key != "number"})
    lines = run_tshark(path, fields + ["_ws.malformed", "_ws.expert.message"])
    check.same(0, "number of frames", len(lines), len(rows))
    for got, row in zip(lines, rows):
        # The first one: after it comes what a message quotes.
        for field in row.keys() - {"number"}:
            check.same(row["number"], field, got[field].split(",")[0], row[field])
        check.same(row["number"], "malformed", got["_ws.malformed"], "")


def tlvs_of(data):
    lens, values = [], []
    while data:
        size = data[3]
        lens.append(size)
        values.append(data[4:4 + size])
        data = data[4 + (size + 3) // 4 * 4:]
    return lens, values


def by_scapy(path, rows, check):
    from scapy.contrib.geneve import GENEVE
    from scapy.contrib.nsh import NSH
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
    from scapy.layers.vxlan import VXLAN
    from scapy.utils import rdpcap

    frames = [bytes(frame) for frame in rdpcap(path)]
    check.same(0, "number of frames", len(frames), len(rows))
    for raw, row in zip(frames, rows):
        n, transport, tags = row["number"], row["transport"], int(row["tags"])
        packet = Ether(raw)
        vlans = ([packet[Dot1AD].vlan] if Dot1AD in packet else []) + ([packet[Dot1Q].vlan] if Dot1Q in packet else [])
        check.same(n, "VLANs", vlans, [[], [30], [5, 30]][tags])
        at = 14 + 4 * tags
        if row["family"] == "4":
            ip = packet[IP]
            check.same(n, "IPv4 length", ip.len, len(raw) - at)
            check.same(n, "addresses", (ip.src, ip.dst), ("10.99.0.1", "10.99.0.2"))
            check.same(n, "DF", str(ip.flags), "DF")
            sent = ip.chksum
            fresh = IP(raw[at:at + 20])
            del fresh.chksum
            check.same(n, "IPv4 checksum", IP(bytes(fresh)).chksum, sent)
            at += 20
        elif row["family"] == "6":
            ip = packet[IPv6]
            check.same(n, "IPv6 length", ip.plen, len(raw) - at - 40)
            check.same(n, "addresses", (ip.src, ip.dst), ("fd00:99::1", "fd00:99::2"))
            at += 40
        if transport in DST_PORTS:
            udp = packet[UDP]
            check.same(n, "UDP length", udp.len, len(raw) - at)
            check.same(n, "ports", (udp.sport, udp.dport), (int(row["port"]), int(DST_PORTS[transport])))
            sent = udp.chksum
            if row["checksum"] == "1":
                fresh = (IP if row["family"] == "4" else IPv6)(src=ip.src, dst=ip.dst) / UDP(
                    sport=udp.sport, dport=udp.dport) / raw[at + 8:]
                check.same(n, "UDP checksum", type(fresh)(bytes(fresh))[UDP].chksum, sent)
            else:
                check.same(n, "UDP checksum", sent, 0)
            at += 8
        if transport in ("vxlan-gpe", "vxlan"):
            check.same(n, "VNI", VXLAN(raw[at:at + 8]).vni, int(row["vni"]))
        if transport == "geneve":
            geneve = GENEVE(raw[at:at + 8])
            check.same(n, "Geneve", (geneve.version, geneve.optionlen, geneve.oam, geneve.critical, geneve.vni),
                       (0, 0, 0, 0, int(row["vni"])))
        if transport == "gre":
            gre = GRE(raw[at:])
            check.same(n, "GRE", (gre.version, gre.proto, gre.chksum_present, gre.key_present, gre.seqnum_present),
                       (0, 0x894F, int(row["checksum"]), int(row["key"]), 0))
        if row["mdtype"] == "2":
            continue
        nsh = NSH(raw[int(row["header_at"]):])
        check.same(n, "version", nsh.ver, 0)
        check.same(n, "O bit", nsh.oam, int(row["oam"]))
        check.same(n, "TTL", nsh.ttl, int(row["ttl"]))
        check.same(n, "Length", nsh.length, int(row["length"]))
        check.same(n, "MD Type", nsh.mdtype, int(row["mdtype"]))
        check.same(n, "Next Protocol", nsh.nextproto, int(row["np"]))
        check.same(n, "SPI", nsh.spi, int(row["spi"]))
        check.same(n, "SI", nsh.si, int(row["si"]))
        check.same(n, "context", bytes(nsh.context_header).hex(), row["context"])


NSH_BYTES = bytes.fromhex("0fc60103000064ff") + bytes(16) + bytes(range(61))


def scapy_vectors():
    """Frames that scapy built, and what we must make of them: (packet, verdict, fields)."""
    from scapy.contrib.geneve import GENEVE, GeneveOptions
    from scapy.layers.inet import IP, UDP, IPOption_NOP
    from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                    IPv6ExtHdrRouting, PadN, RouterAlert)
    from scapy.layers.l2 import ARP, GRE, Dot1AD, Dot1Q, Ether
    from scapy.layers.vxlan import VXLAN

    eth = Ether(dst="02:00:00:00:0b:01", src="02:00:00:00:0a:01")
    tagged = eth / Dot1AD(vlan=5) / Dot1Q(vlan=30)
    ips = {4: IP(src="10.99.0.1", dst="10.99.0.2", tos=0xB9), 6: IPv6(src="fd00:99::1", dst="fd00:99::2", tc=0xB9)}
    inner = Ether(dst="02:01:01:01:01:01", src="02:02:02:02:02:02", type=0x894F) / NSH_BYTES
    geneve = dict(sport=50000, dport=6081)
    gpe = VXLAN(flags=0x0C, NextProtocol=4, vni=100) / NSH_BYTES

    yield eth.__class__(dst=eth.dst, src=eth.src, type=0x894F) / NSH_BYTES, "outer-ok", {"transport": "ethernet"}
    yield eth / Dot1Q(vlan=30, type=0x894F) / NSH_BYTES, "outer-ok", {"transport": "ethernet", "tags": 1}
    yield eth / ARP(), "outer-not-ours", {}
    for family, ip in ips.items():
        for head in (eth, tagged):
            same = {"family": family, "src_port": 50000, "tos": 0xB9, "tags": 2 if head is tagged else 0, "vni": 100}
            yield head / ip / UDP(sport=50000, dport=4790) / gpe, "outer-ok", same | {"transport": "vxlan-gpe"}
            yield (head / ip / UDP(sport=50000, dport=4790) / VXLAN(flags=0x0C, NextProtocol=3, vni=100) / inner,
                   "outer-ok", same | {"transport": "vxlan-gpe", "inner_ethernet": 1})
            yield (head / ip / UDP(sport=50000, dport=4789) / VXLAN(flags=0x08, vni=100) / inner,
                   "outer-ok", same | {"transport": "vxlan", "inner_ethernet": 1})
            yield (head / ip / UDP(**geneve) / GENEVE(vni=100, proto=0x894F) / NSH_BYTES,
                   "outer-ok", same | {"transport": "geneve"})
            yield (head / ip / UDP(**geneve) / GENEVE(vni=100, proto=0x6558) / inner,
                   "outer-ok", same | {"transport": "geneve", "inner_ethernet": 1})
            option = [GeneveOptions(classid=0x0102, type=3, data=b"12345678")]
            yield (head / ip / UDP(**geneve) / GENEVE(vni=100, proto=0x894F, options=option) / NSH_BYTES,
                   "outer-ok", same | {"transport": "geneve"})
            yield (head / ip / UDP(sport=50000, dport=6633) / NSH_BYTES,
                   "outer-ok", same | {"transport": "udp", "vni": 0})
        same = {"family": family, "transport": "gre", "src_port": 0, "vni": 0}
        yield eth / ip / GRE(proto=0x894F) / NSH_BYTES, "outer-ok", same
        yield (eth / ip / GRE(proto=0x894F, chksum_present=1, key_present=1, key=0x12345678, seqnum_present=1) / NSH_BYTES,
               "outer-ok", same | {"vni": 0x12345678})
        yield eth / ip / GRE(proto=0x0800) / NSH_BYTES, "outer-proto", {}
        yield eth / ip / GRE(proto=0x894F, version=1) / NSH_BYTES, "gre-version", {}
        yield eth / ip / UDP(dport=4790) / VXLAN(flags=0x0D, NextProtocol=4) / NSH_BYTES, "gpe-oam", {}
        yield eth / ip / UDP(dport=4790) / VXLAN(flags=0x04, NextProtocol=4) / NSH_BYTES, "gpe-flags", {}
        yield eth / ip / UDP(dport=4790) / VXLAN(flags=0x0C, NextProtocol=1) / NSH_BYTES, "gpe-proto", {}
        yield eth / ip / UDP(dport=4789) / VXLAN(flags=0x00) / inner, "vxlan-flags", {}
        yield eth / ip / UDP(dport=6081) / GENEVE(version=1, proto=0x894F) / NSH_BYTES, "geneve-version", {}
        yield eth / ip / UDP(dport=6081) / GENEVE(oam=1, proto=0x894F) / NSH_BYTES, "geneve-oam", {}
        critical = [GeneveOptions(classid=1, type=0x83, data=b"1234")]
        yield (eth / ip / UDP(dport=6081) / GENEVE(critical=1, proto=0x894F, options=critical) / NSH_BYTES,
               "geneve-critical", {})
        yield eth / ip / UDP(dport=6081) / GENEVE(proto=0x0800) / NSH_BYTES, "outer-proto", {}
        yield eth / ip / UDP(dport=53) / NSH_BYTES, "outer-not-ours", {}
    v4, v6 = ips[4], ips[6]
    options = IP(src="10.99.0.1", dst="10.99.0.2", options=[IPOption_NOP()] * 7)
    yield eth / options / UDP(sport=50000, dport=4790) / gpe, "outer-ok", {"family": 4, "transport": "vxlan-gpe"}
    yield eth / v4 / UDP(dport=4790, chksum=0) / gpe, "outer-ok", {"family": 4}
    yield eth / v4 / UDP(dport=4790, chksum=0xBEEF) / gpe, "outer-ok", {"checksum": "bad"}
    yield eth / v6 / UDP(dport=4790, chksum=0) / gpe, "outer-udp-zero", {}
    first = IP(src="10.99.0.1", dst="10.99.0.2", flags="MF")
    yield eth / first / UDP(dport=4790) / gpe, "outer-fragment", {}
    hops = (IPv6ExtHdrHopByHop(options=[RouterAlert()]) / IPv6ExtHdrDestOpt(options=[PadN()]) /
            IPv6ExtHdrRouting(type=4) / IPv6ExtHdrFragment())
    yield eth / v6 / hops / UDP(sport=50000, dport=4790) / gpe, "outer-ok", {"family": 6, "transport": "vxlan-gpe"}
    yield eth / v6 / IPv6ExtHdrFragment(m=1) / UDP(dport=4790) / gpe, "outer-fragment", {}
    yield eth / v6 / IPv6ExtHdrFragment(offset=9, nh=17) / NSH_BYTES, "outer-fragment", {}


def we_read_scapy(read_frames, path, check):
    from scapy.utils import wrpcap

    vectors = list(scapy_vectors())
    raws = [bytes(packet) for packet, _, _ in vectors]
    wrpcap(path, [packet.__class__(raw) for (packet, _, _), raw in zip(vectors, raws)])
    run = subprocess.run([read_frames, path], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    rows = read_expected(run.stdout)
    check.same(0, "number of frames", len(rows), len(vectors))
    for row, raw, (packet, verdict, fields) in zip(rows, raws, vectors):
        what = packet.summary()
        check.same(row["number"], f"{what}: verdict", row["verdict"], verdict)
        if row["verdict"] != "outer-ok" or verdict != "outer-ok":
            continue
        want = {"payload_size": len(NSH_BYTES), "size": len(raw) - len(NSH_BYTES), "checksum": "good"} | fields
        for key, value in want.items():
            check.same(row["number"], f"{what}: {key}", row[key], str(value))
    return rows


def have(decoder):
    if decoder == "tshark":
        return shutil.which("tshark") is not None
    try:
        import scapy.contrib.nsh  # noqa: F401
    except ImportError:
        return False
    return True


def main():
    emit_pcap, read_frames, decoder = sys.argv[1:]
    if not have(decoder):
        print(f"skipped: {decoder} is not installed")
        sys.exit(SKIP)

    def emit(kind, path):
        run = subprocess.run([emit_pcap, kind, path], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        return read_expected(run.stdout)

    check = Checker()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames.pcap")
        if decoder == "scapy-built":
            rows = we_read_scapy(read_frames, path, check)
        else:
            rows = emit("nsh", path)
            {"tshark": by_tshark, "scapy": by_scapy}[decoder](path, rows, check)
        if decoder == "tshark":
            underlay = emit("underlay", path)
            underlay_by_tshark(path, underlay, check)
            rows += underlay
    print(f"{decoder}: {len(rows)} frames, {check.checked} checks, {check.wrong} wrong")
    sys.exit(1 if check.wrong or not rows else 0)


main()
