#!/usr/bin/env python3
"""Do tshark and scapy read our frames as we meant them? check_decoders.py EMIT_PCAP DECODER

EMIT_PCAP is the program emit_pcap; DECODER is tshark or scapy. Exit 77 = the decoder is not installed.
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


def by_tshark(path, rows, check):
    fields = ["nsh.version", "nsh.Obit", "nsh.ttl", "nsh.length", "nsh.mdtype", "nsh.nextproto", "nsh.spi",
              "nsh.si", "nsh.contextheader", "nsh.metadatalen", "vxlan.flags", "vxlan.vni", "vxlan.next_proto",
              "udp.srcport", "udp.checksum.status", "ip.checksum.status", "ip.flags.df", "ip.dsfield",
              "_ws.malformed", "_ws.expert.message", "frame.protocols", "nsh.metadata"]
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,",
               "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    for field in fields:
        command += ["-e", field]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    if run.returncode != 0:
        sys.exit(f"tshark failed: {run.stderr}")
    lines = run.stdout.splitlines()
    check.same(0, "number of frames", len(lines), len(rows))
    for line, row in zip(lines, rows):
        got = dict(zip(fields, line.split("\t")))
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
        check.same(n, "expert message", got["_ws.expert.message"], "")
        if row["vni"] == "-":
            continue
        check.same(n, "GPE flags", number("vxlan.flags"), 0x0C)
        check.same(n, "GPE Next Protocol", number("vxlan.next_proto"), 4)
        check.same(n, "VNI", number("vxlan.vni"), int(row["vni"]))
        check.same(n, "source port", got["udp.srcport"].split(",")[0], row["port"])
        check.same(n, "DF", got["ip.flags.df"].split(",")[0], "1")
        check.same(n, "DSCP and ECN", int(got["ip.dsfield"].split(",")[0], 0), 0x28)
        check.same(n, "IPv4 checksum status", got["ip.checksum.status"], "1,1")
        status = "1" if row["udp_checksum"] == "1" else "3"  # good, or not present
        check.same(n, "UDP checksum status", got["udp.checksum.status"].split(",")[0], status)


def tlvs_of(data):
    lens, values = [], []
    while data:
        size = data[3]
        lens.append(size)
        values.append(data[4:4 + size])
        data = data[4 + (size + 3) // 4 * 4:]
    return lens, values


def by_scapy(path, rows, check):
    from scapy.contrib.nsh import NSH
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Dot1Q, Ether
    from scapy.layers.vxlan import VXLAN
    from scapy.utils import rdpcap

    frames = [bytes(frame) for frame in rdpcap(path)]
    check.same(0, "number of frames", len(frames), len(rows))
    for raw, row in zip(frames, rows):
        n = row["number"]
        if row["vni"] == "-":
            packet = Ether(raw[:int(row["header_at"])])
            check.same(n, "EtherType", (packet[Dot1Q] if Dot1Q in packet else packet).type, 0x894F)
        else:
            packet = Ether(raw)
            ip, udp = packet[IP], packet[UDP]
            check.same(n, "IPv4 length", ip.len, len(raw) - 14)
            check.same(n, "UDP length", udp.len, len(raw) - 34)
            check.same(n, "ports", (udp.sport, udp.dport), (int(row["port"]), 4790))
            check.same(n, "DF", str(ip.flags), "DF")
            sent = ip.chksum
            del ip.chksum
            check.same(n, "IPv4 checksum", IP(bytes(ip)[:20]).chksum, sent)
            sent = udp.chksum
            if row["udp_checksum"] == "1":
                del udp.chksum
                check.same(n, "UDP checksum", Ether(bytes(packet))[UDP].chksum, sent)
            else:
                check.same(n, "UDP checksum", sent, 0)
            gpe = VXLAN(raw[42:50])
            check.same(n, "VNI", gpe.vni, int(row["vni"]))
            check.same(n, "GPE flags", raw[42], 0x0C)
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


def have(decoder):
    if decoder == "tshark":
        return shutil.which("tshark") is not None
    try:
        import scapy.contrib.nsh  # noqa: F401
    except ImportError:
        return False
    return True


def main():
    emit_pcap, decoder = sys.argv[1:]
    if not have(decoder):
        print(f"skipped: {decoder} is not installed")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames.pcap")
        run = subprocess.run([emit_pcap, path], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        rows = read_expected(run.stdout)
        check = Checker()
        {"tshark": by_tshark, "scapy": by_scapy}[decoder](path, rows, check)
    print(f"{decoder}: {len(rows)} frames, {check.checked} checks, {check.wrong} wrong")
    sys.exit(1 if check.wrong or not rows else 0)


main()
