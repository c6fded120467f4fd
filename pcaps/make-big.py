#!/usr/bin/python3
"""Make a large capture whose frames can be checked for loss and order.

  pcaps/make-big.py [--flows N] [--seed N] OUT COUNT

OUT is a pcap of COUNT frames of 64 to 200 bytes, drawn at random (seeded, so two
runs give the same bytes) from N flows: a quarter each of TCP and UDP over IPv4 and
IPv6, from 10.1.0.0/16 or fd00:1::/64 to 10.2.0.0/16 or fd00:2::/64. Checksums are
right. The payload of each frame starts with

  "SLCE" | flow (32 bit) | sequence number within the flow (32 bit), big-endian

and is padded with zeros to the flow's frame size. One frame per microsecond.
Example: pcaps/make-big.py /tmp/big.pcap 1000000 && pcaps/check-order.py /tmp/big.pcap out.pcap
"""

import argparse
import ipaddress
import random
import struct
import sys

sys.dont_write_bytecode = True
from lib import capture

MIN_FRAME, MAX_FRAME = 64, 200
FIRST_SECOND = 1700000000
TCP, UDP = 6, 17
PORTS = {TCP: (80, 443, 8080, 22), UDP: (53, 443, 4500, 5001)}
CLIENT_MAC, SERVER_MAC = bytes.fromhex("020000000101"), bytes.fromhex("020000000201")
WRITE_BATCH = 4096


def word_sum(data):
    """Sum of 16-bit words, not folded."""
    data += b"\0" * (len(data) & 1)
    return sum(struct.unpack(f">{len(data) // 2}H", data))


def checksum(total):
    """Folded, complemented Internet checksum of a word sum [RFC 1071]."""
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Flow:
    """One flow: the constant bytes around its checksum and sequence numbers."""

    def __init__(self, number, rng):
        self.seq = 0
        self.tcp_seq = rng.getrandbits(32)
        self.proto = proto = (TCP, UDP)[number & 1]
        six = number & 2
        l3, l4 = (40 if six else 20), (20 if proto == TCP else 8)
        least = max(MIN_FRAME, 14 + l3 + l4 + 12)
        size = rng.randrange(least, MAX_FRAME + 1)
        length = size - 14 - l3
        self.payload = length - l4
        source = 1024 + number % 60000
        target = PORTS[proto][(number >> 2) % 4]
        host = (number >> 2) + 1
        if six:
            addresses = (
                ipaddress.IPv6Address("fd00:1::").packed[:12]
                + struct.pack(">I", host)
                + ipaddress.IPv6Address("fd00:2::a").packed
            )
            ip = struct.pack(">IHBB", 6 << 28, length, proto, 64) + addresses
        else:
            addresses = struct.pack(">II", 0x0A010000 + host, 0x0A02000A)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, l3 + length, 0, 0x4000, 64, proto, 0) + addresses
            ip = ip[:10] + struct.pack(">H", checksum(word_sum(ip))) + ip[12:]
        ether = SERVER_MAC + CLIENT_MAC + (b"\x86\xdd" if six else b"\x08\x00")
        ports = struct.pack(">HH", source, target)
        tag = b"SLCE" + struct.pack(">I", number)
        pad = b"\0" * (self.payload - 12)
        if proto == TCP:
            middle = struct.pack(">IBBH", 1, 0x50, 0x18, 0xFFFF)  # ack 1, PSH+ACK
            self.after = b"\0\0" + tag
        else:
            middle = struct.pack(">H", length)
            self.after = tag
        self.before = ether + ip + ports + (b"" if proto == TCP else middle)
        self.middle = middle if proto == TCP else b""
        self.pad = pad
        self.size = size
        self.sum = word_sum(addresses) + proto + length + word_sum(ports) + word_sum(middle) + word_sum(tag)

    def next(self):
        """The flow's next frame."""
        seq = self.seq
        self.seq = seq + 1
        total = self.sum + (seq >> 16) + (seq & 0xFFFF)
        if self.proto == TCP:
            number = self.tcp_seq
            self.tcp_seq = (number + self.payload) & 0xFFFFFFFF
            total += (number >> 16) + (number & 0xFFFF)
            start = self.before + number.to_bytes(4, "big") + self.middle
        else:
            start = self.before
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        csum = 0xFFFF - total
        if not csum and self.proto == UDP:
            csum = 0xFFFF  # 0 would mean "no checksum" [RFC 768]
        return start + csum.to_bytes(2, "big") + self.after + seq.to_bytes(4, "big") + self.pad


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("count", metavar="COUNT", type=int)
    parser.add_argument(
        "--flows", type=int, default=4096, help="how many flows (default 4096, at most 60000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the random choices (default 1)")
    args = parser.parse_args()
    if not 1 <= args.flows <= 60000:
        parser.error(f"--flows {args.flows}: must be 1 to 60000")
    if not 0 <= args.count <= 1 << 32:
        parser.error(f"COUNT {args.count}: must be 0 to 4294967296")

    rng = random.Random(args.seed)
    flows = [Flow(n, rng) for n in range(args.flows)]
    head = struct.Struct("<IIII").pack
    with open(args.out, "wb") as out:
        out.write(capture.pcap_header())
        for first in range(0, args.count, WRITE_BATCH):
            batch = []
            picks = rng.choices(flows, k=min(WRITE_BATCH, args.count - first))
            for number, flow in enumerate(picks, first):
                batch.append(head(FIRST_SECOND + number // 1000000, number % 1000000, flow.size, flow.size))
                batch.append(flow.next())
            out.write(b"".join(batch))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit(f"make-big: {e.filename}: {e.strerror}")
