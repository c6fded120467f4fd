"""Capture files: other formats, and damaged ones."""

import struct

from . import capture
from .packets import *

FIRST_SECOND = 1700000000
RAW = 101  # LINKTYPE_RAW, a bare IP packet
UNKNOWN = 0x0BAD  # a block type nobody has registered


def records(frames, order="<", scale=1):
    """Classic pcap records, a millisecond apart; scale 1000 makes nanoseconds of microseconds."""
    return b"".join(
        capture.record(f, FIRST_SECOND, n * 1000 * scale, order=order) for n, f in enumerate(frames)
    )


def block(kind, body, order="<", total=None):
    """One pcapng block; `total` makes its two lengths differ."""
    body += b"\0" * (-len(body) % 4)
    size = 12 + len(body)
    return (
        struct.pack(order + "II", kind, size)
        + body
        + struct.pack(order + "I", size if total is None else total)
    )


def section(order="<"):
    return block(capture.MAGIC_NG, struct.pack(order + "IHHq", capture.NG_ORDER, 1, 0, -1), order)


def interface(order="<", link=capture.ETHERNET, name=b"", nanoseconds=False, snaplen=0):
    options = b""
    if name:
        options += struct.pack(order + "HH", 2, len(name)) + name + b"\0" * (-len(name) % 4)
    if nanoseconds:
        options += struct.pack(order + "HHB3x", 9, 1, 9)
    if options:
        options += bytes(4)
    return block(capture.NG_INTERFACE, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def packet(frame, port=0, order="<", n=0, nanoseconds=False, caplen=None, length=None):
    stamp = (FIRST_SECOND * 1000 + n) * (1000000 if nanoseconds else 1000)
    caplen = len(frame) if caplen is None else caplen
    head = struct.pack(order + "IIIII", port, stamp >> 32, stamp & 0xFFFFFFFF, caplen, length or len(frame))
    return block(capture.NG_ENHANCED, head + frame, order)


def simple(frame, order="<"):
    return block(capture.NG_SIMPLE, struct.pack(order + "I", len(frame)) + frame, order)


def pcap(frames, order="<", **header):
    """A whole classic pcap file."""
    return capture.pcap_header(order, **header) + records(frames, order)


def everything():
    """(name, bytes, what a reader must make of it) of every file of its own form."""
    yield from formats()
    yield from damaged()


def formats():
    """Well-formed files: what is not refused here is read to the end."""
    good = [WEB4, WEB6, DNS4, DNS6]
    long4 = ether(IP4, ipv4(TCP, tcp(text(1400))))
    long6 = ether(IP6, ipv6(UDP, udp(text(600), CLIENT6, SERVER6)))
    cut = [capture.record(f[:96], FIRST_SECOND, length=len(f)) for f in (long4, long6, DNS4)]
    what = "captured length at most 96, frames of 1,454, 662 and 74 bytes"
    yield "format-snaplen.pcap", capture.pcap_header(snaplen=96) + b"".join(cut), what
    nanoseconds = capture.pcap_header(magic=capture.MAGIC_NSEC) + records(good, scale=1000)
    yield "format-nanosecond.pcap", nanoseconds, "4 frames"
    yield "format-big-endian.pcap", pcap(good, ">"), "4 frames"
    back = b"".join(capture.record(f, FIRST_SECOND - n) for n, f in enumerate(good))
    yield "format-backwards.pcap", capture.pcap_header() + back, "4 frames, each a second before the last"
    yield "format-no-frames.pcap", pcap([]), "no frame, nothing wrong"
    yield "format-raw-ip.pcap", pcap([f[14:] for f in good], link=RAW), "link type RAW: refuse"

    begin = section() + interface()
    two = section() + interface(name=b"lan") + interface(name=b"wan", nanoseconds=True)
    blocks = packet(WEB4) + packet(WEB6, 1, n=1, nanoseconds=True) + block(UNKNOWN, b"a block nobody knows")
    again = section() + interface(name=b"core") + packet(DNS4, n=2)
    what = "2 sections, 3 interfaces of different clocks, an unknown block, 3 frames"
    yield "format-interfaces.pcapng", two + blocks + again, what
    big = section(">") + interface(">") + packet(WEB4, 0, ">") + packet(DNS4, 0, ">", 1)
    yield "format-big-endian.pcapng", big, "2 frames"
    mixed = big + begin + packet(WEB6, n=2)
    what = "2 big-endian frames, then a little-endian section with 1; libpcap stops before it"
    yield "format-two-orders.pcapng", mixed, what
    yield "format-simple.pcapng", begin + b"".join(map(simple, good)), "4 frames in simple packet blocks"
    other = begin + packet(WEB4) + interface(link=RAW) + packet(WEB4[14:], 1, n=1)
    what = "1 Ethernet frame, then link type RAW on a second interface: refuse"
    yield "format-two-links.pcapng", other, what


def damaged():
    """Files that end in an error, after the frames before it."""
    good = [WEB4, WEB6, DNS4, DNS6]
    whole = pcap(good)
    yield "damaged-record.pcap", whole[:-10], "3 frames, the 4th cut"
    yield "damaged-record-header.pcap", pcap(good[:2]) + bytes(9), "2 frames, then half a record header"
    huge = struct.pack("<IIII", FIRST_SECOND, 0, 0xFFFFFFFF, 60)
    yield "damaged-length.pcap", pcap(
        good[:1]
    ) + huge + WEB4, "1 frame, then a captured length of 4,294,967,295"
    yield "damaged-file-header.pcap", whole[:20], "file header cut after 20 bytes"
    yield "damaged-magic.pcap", b"\xde\xad\xbe\xef" + whole[4:], "unknown magic number"
    yield "damaged-empty.pcap", b"", "no bytes at all"

    begin = section() + interface() + packet(WEB4)
    lengths = block(capture.NG_ENHANCED, bytes(20) + WEB4, total=8)
    yield "damaged-block.pcapng", begin + lengths, "1 frame, then a block with two different lengths"
    claims = packet(WEB4, n=1, caplen=60000)
    yield "damaged-block-caplen.pcapng", begin + claims, "1 frame, then a packet longer than its block"
    nowhere = packet(WEB4, 7, n=1)
    what = "1 frame, then a packet of an interface that is not there"
    yield "damaged-block-interface.pcapng", begin + nowhere, what
    yield "damaged-cut.pcapng", begin + packet(WEB6, n=1)[:-30], "1 frame, then a block cut by the end"
