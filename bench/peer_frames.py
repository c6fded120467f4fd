"""Frames for peers, written byte by byte from the RFCs, as capture files; and what must have become of them.

An inner frame of 64 bytes in NSH (MD type 1) in VXLAN-GPE over IPv4: 138 bytes. Flows differ inside and, as a sender
derives it from there, in the outer source port. peer_frames.py FILE FLOWS writes a capture for net_pcap.
"""

import struct
import sys

SIZE = 138
NSH_AT, INNER_AT = 50, 74
SPI, SI, TTL, VNI = 100, 255, 63, 100
BEFORE_MAC, HERE_MAC, NEXT_MAC = "02:00:00:00:ee:01", "02:00:00:00:0a:01", "02:00:00:00:ee:02"
# The node before, the SFF on either side, and the next one.
BEFORE, HERE_IN, HERE_OUT, NEXT = "10.99.0.2", "10.99.0.1", "10.98.0.1", "10.98.0.2"
# A capture file that is played for ever has at least this many frames: bursts are full.
FEWEST = 256
ETHERNET = 1  # link type
MAGIC = 0xA1B2C3D4


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def address(text):
    return bytes(int(part) for part in text.split("."))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, 17, 0, src, dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(src, dst, payload):
    return struct.pack("!HHHH", src, dst, 8 + len(payload), 0) + payload


def inner(flow):
    packet = ipv4(bytes([10, 1, flow >> 8, flow & 0xFF]), address("10.2.0.1"), udp(1024 + flow, 80, bytes(22)))
    return mac("02:00:00:00:01:01") + mac("02:00:00:00:01:02") + b"\x08\x00" + packet


def nsh(ttl, si):
    return struct.pack("!II", ttl << 22 | 6 << 16 | 1 << 8 | 3, SPI << 8 | si) + bytes(16)


def frame(flow):
    gpe = struct.pack("!II", 0x0C000004, VNI << 8)
    # An odd step goes through all dynamic ports before one comes again.
    source = 49152 + flow * 5449 % 16384
    packet = ipv4(address(BEFORE), address(HERE_IN), udp(source, 4790, gpe + nsh(TTL, SI) + inner(flow)))
    return mac(HERE_MAC) + mac(BEFORE_MAC) + b"\x08\x00" + packet


def write(path, flows, times=1):
    """A capture file with each flow in turn, so many times."""
    records = []
    for number in range(max(flows, FEWEST)):
        data = frame(number % flows)
        records.append(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, 65535, ETHERNET))
        for _ in range(times):
            out.write(b"".join(records))
    return path


def last(path, flows):
    """The last round of frames of our size in a capture file; what a kernel says on its interfaces has another."""
    data, at, found = path.read_bytes(), 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        if size == SIZE:
            found.append(at + 16)
        at += 16 + size
    return [data[at : at + SIZE] for at in found[-max(flows, FEWEST) :]]


def wrong(frames, flows):
    """Why these are not what an SFF makes of a round of write(): one less of TTL and SI, to the next node. Or None."""
    if len(frames) != max(flows, FEWEST):
        return f"{len(frames)} frames came out"
    for number, data in enumerate(frames):
        if data[:6] != mac(NEXT_MAC) or data[26:34] != address(HERE_OUT) + address(NEXT):
            return f"frame {number} goes elsewhere: {data[:34].hex()}"
        if data[42:NSH_AT] != struct.pack("!II", 0x0C000004, VNI << 8):
            return f"frame {number} is no NSH in VXLAN-GPE: {data[42:NSH_AT].hex()}"
        if data[NSH_AT:INNER_AT] != nsh(TTL - 1, SI - 1):
            return f"frame {number} has another NSH: {data[NSH_AT:INNER_AT].hex()}"
        if data[INNER_AT:] != inner(number % flows):
            return f"frame {number} is not the one that went in"
    return None


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
