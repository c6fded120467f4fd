"""Capture files in plain Python: a pcap/pcapng reader, a pcap writer, a flow key.

Used by the scripts beside it. It shares no code with the dataplane or with
libpcap on purpose: it is a second opinion on what a capture holds.

Formats: draft-ietf-opsawg-pcap (classic pcap) and draft-ietf-opsawg-pcapng.
"""

import collections
import mmap
import struct

ETHERNET = 1  # LINKTYPE_ETHERNET
MAGIC_USEC = 0xA1B2C3D4  # classic pcap, microseconds
MAGIC_NSEC = 0xA1B23C4D  # classic pcap, nanoseconds
MAGIC_NG = 0x0A0D0D0A  # pcapng section header block, the same in both byte orders
NG_ORDER = 0x1A2B3C4D  # pcapng byte-order magic
NG_INTERFACE, NG_SIMPLE, NG_ENHANCED = 1, 3, 6

VLAN_TYPES = (b"\x81\x00", b"\x88\xa8")
# Extension headers that hide the transport header: hop-by-hop, routing, destination options [RFC 8200 4]
IP6_SKIP = (0, 43, 60)
IP6_FRAGMENT = 44


class Damaged(Exception):
    """The file ends inside a record or is no capture of Ethernet frames."""


def frames(path):
    """Yield the captured bytes of every record of the file at `path`, in file order."""
    with open(path, "rb") as f:
        if not f.read(1):
            raise Damaged(f"{path}: empty file")
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if len(data) < 4:
                raise Damaged(f"{path}: {len(data)} bytes are no capture header")
            if struct.unpack_from("<I", data)[0] == MAGIC_NG:
                yield from _pcapng(path, data)
            else:
                yield from _pcap(path, data)


def _pcap(path, data):
    for order in "<>":
        if struct.unpack_from(order + "I", data)[0] in (MAGIC_USEC, MAGIC_NSEC):
            break
    else:
        raise Damaged(f"{path}: neither pcap nor pcapng (magic {data[:4].hex()})")
    if len(data) < 24:
        raise Damaged(f"{path}: file header cut after {len(data)} bytes")
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    if link != ETHERNET:
        raise Damaged(f"{path}: link type {link} is not Ethernet")
    caplen_at = struct.Struct(order + "8xI4x").unpack_from
    at, end = 24, len(data)
    while at < end:
        if at + 16 > end:
            raise Damaged(f"{path}: record header cut at byte {at}")
        caplen = caplen_at(data, at)[0]
        at += 16 + caplen
        if at > end:
            raise Damaged(f"{path}: record of {caplen} bytes cut at the end of the file")
        yield data[at - caplen : at]


def _pcapng(path, data):
    at, end, order, links = 0, len(data), "<", []
    while at < end:
        if at + 12 > end:
            raise Damaged(f"{path}: block header cut at byte {at}")
        if data[at : at + 4] == b"\n\r\r\n":
            order = "<" if struct.unpack_from("<I", data, at + 8)[0] == NG_ORDER else ">"
            if struct.unpack_from(order + "I", data, at + 8)[0] != NG_ORDER:
                raise Damaged(f"{path}: bad byte-order magic at byte {at + 8}")
            links = []
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or size % 4 or at + size > end:
            raise Damaged(f"{path}: block of {size} bytes at byte {at} does not fit")
        if struct.unpack_from(order + "I", data, at + size - 4)[0] != size:
            raise Damaged(f"{path}: block at byte {at} has two different lengths")
        if kind == NG_INTERFACE and size >= 20:
            link, snaplen = struct.unpack_from(order + "H2xI", data, at + 8)
            links.append((link, snaplen))
        elif kind in (NG_ENHANCED, NG_SIMPLE):
            yield _ng_frame(path, data, at, kind, size, order, links)
        at += size


def _ng_frame(path, data, at, kind, size, order, links):
    if kind == NG_ENHANCED and size >= 32:
        port, caplen = struct.unpack_from(order + "I8xI", data, at + 8)
        start, room = at + 28, size - 32
    elif kind == NG_SIMPLE and size >= 16 and links:
        port, length = 0, struct.unpack_from(order + "I", data, at + 8)[0]
        start, room = at + 12, size - 16
        caplen = min(length, links[0][1] or length)
    else:
        raise Damaged(f"{path}: packet block at byte {at} is too short or has no interface")
    if port >= len(links):
        raise Damaged(f"{path}: packet block at byte {at} names interface {port} of {len(links)}")
    if caplen > room:
        raise Damaged(f"{path}: packet block at byte {at} claims {caplen} bytes, holds {room}")
    if links[port][0] != ETHERNET:
        raise Damaged(f"{path}: link type {links[port][0]} is not Ethernet")
    return data[start : start + caplen]


def pcap_header(order="<", magic=MAGIC_USEC, snaplen=262144, link=ETHERNET):
    """The 24 bytes a classic pcap file starts with."""
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


def record(frame, second=0, fraction=0, length=None, order="<"):
    """One classic pcap record; `length` is the length on the wire if it differs from what was kept."""
    length = len(frame) if length is None else length
    return struct.pack(order + "IIII", second, fraction, len(frame), length) + frame


def flow_key(frame):
    """What keeps order: tags, addresses, protocol and ports; fragments go by their IP identification."""
    at = 12
    while frame[at : at + 2] in VLAN_TYPES:
        at += 4
    kind = frame[at : at + 2]
    ip = at + 2
    if kind == b"\x08\x00" and len(frame) >= ip + 20:
        head = frame[14:ip] + frame[ip + 9 : ip + 10] + frame[ip + 12 : ip + 20]
        if frame[ip + 6] & 0x3F or frame[ip + 7]:
            return head + frame[ip + 4 : ip + 6]
        if frame[ip + 9] in (6, 17, 132):
            l4 = ip + (frame[ip] & 15) * 4
            return head + frame[l4 : l4 + 4]
        return head
    if kind == b"\x86\xdd" and len(frame) >= ip + 40:
        head = frame[14:ip] + frame[ip + 8 : ip + 40]
        proto, l4 = frame[ip + 6], ip + 40
        while proto in IP6_SKIP and l4 + 2 <= len(frame):
            proto, l4 = frame[l4], l4 + frame[l4 + 1] * 8 + 8
        if proto == IP6_FRAGMENT:
            return head + frame[l4 + 4 : l4 + 8]
        if proto in (6, 17, 132):
            return head + bytes((proto,)) + frame[l4 : l4 + 4]
        return head + bytes((proto,))
    return frame[:ip]


def differences(expected, got):
    """Compare two iterables of frames flow by flow.

    Returns (frames expected, flows, lost, extra, reordered); the last three are all 0
    exactly if `got` holds the frames of `expected`, byte for byte, in order within each flow.
    Frames are held as 64-bit keyed hashes, so a million of them fit in memory.
    """
    want, have = collections.defaultdict(list), collections.defaultdict(list)
    for side, source in ((want, expected), (have, got)):
        for frame in source:
            side[flow_key(frame)].append(hash(frame))
    lost = extra = reordered = 0
    for key in want.keys() | have.keys():
        a, b = want.get(key, []), have.get(key, [])
        if a == b:
            continue
        missing = collections.Counter(a)
        missing.subtract(b)
        lost += sum(n for n in missing.values() if n > 0)
        extra -= sum(n for n in missing.values() if n < 0)
        reordered += _out_of_place(a, b)
    return sum(map(len, want.values())), len(want), lost, extra, reordered


def _out_of_place(a, b):
    """How many frames of b came after one that follows them in a."""
    places = collections.defaultdict(collections.deque)
    for i, h in enumerate(a):
        places[h].append(i)
    late, newest = 0, -1
    for h in b:
        if places[h]:
            i = places[h].popleft()
            late += i < newest
            newest = max(newest, i)
    return late
