"""Good and bad NSH packets from SFF A (10.99.0.1) to SFF B (10.99.0.2), VNI 100, SPI 100.

Each function makes one capture: it yields (description, frame).
"""

import struct

from .packets import *


def nsh_good():
    """What an SFF must take: MD1, MD2, SI 255 to 253, all inner protocols."""
    for si in (255, 254, 253):
        yield f"MD1, SI {si}, TCP in IPv4 in Ethernet", gpe(nsh(WEB4, si=si))
    yield "MD1 with context all zero", gpe(nsh(WEB4, context=bytes(16)))
    yield "MD2 without context, length 2", gpe(nsh(WEB4, md=2))
    yield "next protocol IPv4", gpe(nsh(WEB4[14:], NP_IP4))
    yield "next protocol IPv6", gpe(nsh(WEB6[14:], NP_IP6))
    yield "TCP in IPv6 in Ethernet", gpe(nsh(WEB6))
    yield "DNS query in UDP", gpe(nsh(DNS4))
    yield "full-size inner frame, 1,514 bytes", gpe(nsh(ether(IP4, ipv4(UDP, udp(text(1472))))))
    yield "outer UDP checksum present and right", gpe(nsh(WEB4), csum=None)
    yield "outer frame in VLAN 30", gpe(nsh(WEB4), tags=[(VLAN, 30)])
    yield "source port outside 49152-65535", gpe(nsh(WEB4), sport=1234)
    yield "outer ECN CE", gpe(nsh(WEB4), tos=3)


def nsh_md2():
    """MD2 context headers [RFC 8300 2.5.1, RFC 9263, RFC 8979]."""

    def md2(context, **fields):
        return gpe(nsh(WEB4, md=2, context=context, **fields))

    tenant, flow = tlv(0, 5, b"tenant-7"), tlv(0, 8, struct.pack(">I", 0x12345))
    yield "tenant and flow identifiers", md2(tenant + flow)
    yield "forwarding context VLAN 30", md2(tlv(0, 4, struct.pack(">I", 30)))
    yield "subscriber identifier of 5 bytes, padded to 8", md2(tlv(0, 0, b"user1"))
    yield "context header of length 0", md2(tlv(0, 5, b""))
    yield "context header of length 127", md2(tlv(0xFFF6, 1, text(127)))
    yield "unknown class and type", md2(tlv(0x1234, 0x77, b"\1\2\3\4"))
    yield "U bit of the context header set", md2(tlv(0, 5, b"tenant-7", u=1))
    yield "the same context header twice", md2(tenant + tlv(0, 5, b"tenant-8"))
    yield "class 0xFFFF, reserved", md2(tlv(0xFFFF, 1, b"\1\2\3\4"))
    yield "length 63, the longest NSH (252 bytes)", md2(tlv(0xFFF6, 1, text(120)) + tlv(0xFFF6, 2, text(116)))
    yield "context header runs past the NSH length", md2(tlv(0, 5, b"tenant-7", length=127))
    yield "three bytes of padding that are not zero", md2(tlv(0, 5, b"t")[:-3] + b"\xff\xff\xff")
    yield "one word left: a context header without its value", md2(tenant + tlv(0, 8, b"", length=4))


def nsh_ttl():
    """TTL 0, 1, 2, 63 with a known and an unknown path [RFC 8300 2.2]: 0 becomes 63, 1 is dropped."""
    for ttl in (0, 1, 2, 62, 63):
        yield f"TTL {ttl}, known path", gpe(nsh(WEB4, ttl=ttl))
        yield f"TTL {ttl}, unknown path", gpe(nsh(WEB4, ttl=ttl, spi=0xABCDE))


def nsh_lookup():
    """Service paths and indexes an SFF must not forward, beside one it must [RFC 8300 2.3, 3]."""
    yield "SPI 100 SI 255", gpe(nsh(WEB4))
    for spi, si in (
        (0xABCDE, 255),
        (0, 255),
        (0xFFFFFF, 255),
        (SPI, 252),
        (SPI, 1),
        (SPI, 0),
        (0, 0),
        (SPI << 8, 255),
    ):
        yield f"SPI {spi} SI {si}", gpe(nsh(WEB4, spi=spi & 0xFFFFFF, si=si))


def nsh_version():
    """Versions 1 to 3 are discarded [RFC 8300 2.2]."""
    for ver in (0, 1, 2, 3):
        yield f"version {ver}", gpe(nsh(WEB4, ver=ver))


def nsh_length():
    """Lengths that do not fit MD type or frame [RFC 8300 2.2, 2.4]."""
    for length in (0, 1, 2, 5, 6, 7, 63):
        yield f"MD1, length {length}", gpe(nsh(WEB4, length=length))
    for length in (0, 1, 2):
        yield f"MD2 without context, length {length}", gpe(nsh(WEB4, md=2, length=length))
    yield "MD2, length 63 beyond the frame", gpe(nsh(b"", md=2, length=63))
    yield "MD1, length 6, nothing inside", gpe(nsh(b""))
    yield "MD1, inner Ethernet frame of 13 bytes", gpe(nsh(WEB4[:13]))


def nsh_md_type():
    """MD types 0 to 15: only 1 and 2 are in use [RFC 8300 2.2]."""
    for md in range(16):
        yield f"MD type {md}", gpe(nsh(WEB4, md=md, context=bytes(16)))


def nsh_next_protocol():
    """Next protocols: none, nested NSH, IOAM, OAM, unknown ones [RFC 8300 2.2, 8393, 9452, 9516]."""
    echo = struct.pack(">BBHHHBBBBII", 1, 0, 16, 0, 0, 1, 1, 0, 0, 7, 1)
    for np, name, payload in (
        (0, "none", b""),
        (0, "none, with bytes behind it", text(20)),
        (NP_IP4, "IPv4", WEB4[14:]),
        (NP_IP6, "IPv6", WEB6[14:]),
        (NP_IP4, "IPv4, but IPv6 inside", WEB6[14:]),
        (NP_ETHERNET, "Ethernet", WEB4),
        (NP_NSH, "NSH in NSH", nsh(WEB4, spi=101)),
        (NP_NSH, "NSH in NSH, inner length 0", nsh(WEB4, spi=101, length=0)),
        (NP_NSH, "NSH in NSH in NSH", nsh(nsh(WEB4, spi=102), NP_NSH, spi=101)),
        (5, "MPLS", struct.pack(">I", 16 << 12 | 1 << 8 | 64) + WEB4[14:]),
        (6, "IOAM", bytes((0, 1, 0, NP_ETHERNET)) + bytes(4) + WEB4),
        (7, "OAM echo, O bit clear: invalid", echo),
        (8, "unassigned", text(40)),
        (0xFD, "unassigned", text(40)),
        (0xFE, "experiment 1", text(40)),
        (0xFF, "experiment 2", text(40)),
    ):
        yield f"next protocol {np}: {name}", gpe(nsh(payload, np))
    yield "next protocol 7 with the O bit: echo request", gpe(nsh(echo, 7, o=1))
    yield "next protocol 7 with the O bit, TTL 1", gpe(nsh(echo, 7, o=1, ttl=1))
    yield "next protocol 7 with the O bit, echo cut after 8 bytes", gpe(nsh(echo[:8], 7, o=1))


def nsh_flags():
    """O bit [RFC 9451] and U bits [RFC 8300 2.2]: U bits are kept and ignored."""
    yield "O bit, Ethernet inside", gpe(nsh(WEB4, o=1))
    yield "O bit, next protocol none", gpe(nsh(b"", 0, o=1))
    yield "first U bit", gpe(nsh(WEB4, u=1))
    for bit in (8, 4, 2, 1):
        yield f"U bit {bit:04b} before the MD type", gpe(nsh(WEB4, u4=bit))
    yield "all five U bits", gpe(nsh(WEB4, u=1, u4=15))
    yield "all five U bits, MD2", gpe(nsh(WEB4, md=2, u=1, u4=15))
    yield "all five U bits and the O bit", gpe(nsh(WEB4, u=1, u4=15, o=1))


def gpe_flags():
    """VXLAN-GPE headers that are not ours to forward, and reserved bits to ignore."""
    inner = nsh(WEB4)
    yield "flags 0x0C (I, P)", gpe(inner)
    yield "I clear", gpe(inner, flags=0x04)
    yield "P clear, NSH behind it", gpe(inner, flags=0x08)
    yield "P clear, Ethernet behind it: plain VXLAN", gpe(ether(NSH, inner, SFF_B, SFF_A), flags=0x08, np=0)
    for ver in (1, 2, 3):
        yield f"version {ver}", gpe(inner, flags=0x0C | ver << 4)
    yield "O set, tunnel OAM", gpe(inner, flags=0x0D)
    yield "B set, replicated", gpe(inner, flags=0x0E)
    yield "reserved bits of the first byte set", gpe(inner, flags=0xCC)
    yield "all other reserved bits set", gpe(inner, rsv=0xFFFF, rsv_last=0xFF)
    for np in (0, 1, 2, 3, 5, 6, 255):
        yield f"next protocol {np}", gpe(inner, np=np)
    yield "VNI 101, not ours", gpe(inner, vni=101)
    yield "VNI 0", gpe(inner, vni=0)
    yield "VNI 16777215", gpe(inner, vni=0xFFFFFF)
    yield "UDP port 4789", gpe(inner, dport=VXLAN_PORT)


def nsh_outer():
    """Outer headers: other addresses, checksums, options, fragments."""
    inner = nsh(WEB4)
    whole = gpe(inner)
    yield "all right, for comparison", whole
    yield "to another MAC address", gpe(inner, dst_mac="02:00:00:00:0c:01")
    yield "to the broadcast MAC address", gpe(inner, dst_mac="ff:ff:ff:ff:ff:ff")
    yield "to another IP address", gpe(inner, dst="10.99.0.3")
    yield "from an address that is no locator", gpe(inner, src="10.99.0.77")
    yield "wrong IP header checksum", whole[:24] + b"\xbe\xef" + whole[26:]
    yield "wrong UDP checksum", gpe(inner, csum=0xBEEF)
    yield "IP options", gpe(inner, options=b"\1\1\1\0")
    yield "IP TTL 1", gpe(inner, ttl=1)
    yield "UDP length beyond the packet", whole[:38] + b"\xff\xff" + whole[40:]
    yield "UDP length 8", whole[:38] + b"\0\x08" + whole[40:]
    yield "IP total length short of the UDP length", ether(
        IP4, ipv4(UDP, whole[34:], SFF_A4, SFF_B4, total=60), SFF_B, SFF_A
    )
    yield "first fragment", gpe(inner, frag=0x2000)
    yield "later fragment", gpe(inner, frag=0x00B9)


def nsh_truncated():
    """A good frame cut at and around the end of each header; the lengths above still say the full size."""
    whole = gpe(nsh(WEB4))
    for cut, what in (
        (34, "outer IPv4"),
        (41, "UDP less one"),
        (42, "UDP"),
        (43, "VXLAN-GPE flags"),
        (49, "VXLAN-GPE less one"),
        (50, "VXLAN-GPE"),
        (51, "one byte of NSH"),
        (54, "NSH base header"),
        (57, "NSH path header less one"),
        (58, "NSH path header"),
        (73, "NSH context less one"),
        (74, "NSH"),
        (87, "inner Ethernet less one"),
        (88, "inner Ethernet"),
        (107, "inner IPv4 less one"),
        (108, "inner IPv4"),
        (128, "inner TCP"),
    ):
        yield f"cut after {cut} bytes: {what}", whole[:cut]
    for size in (0, 1, 7, 8, 23, 24):
        tunnel = gpe(nsh(WEB4)[:size])
        yield f"lengths right, {size} bytes of NSH", tunnel


def nsh_transports():
    """The same NSH packet over other transports: Ethernet, VLAN, plain VXLAN, Geneve, GRE."""
    inner = nsh(WEB4)

    def outer(proto, payload):
        return ether(IP4, ipv4(proto, payload, SFF_A4, SFF_B4, ident=0), SFF_B, SFF_A)

    def geneve(flags, options=b"", ver=0):
        head = struct.pack(">BBHI", ver << 6 | len(options) // 4, flags, NSH, VNI << 8)
        return outer(UDP, udp(head + options + inner, SFF_A4, SFF_B4, sport=50000, dport=GENEVE_PORT))

    yield "Ethernet, type 0x894F", ether(NSH, inner, SFF_B, SFF_A)
    yield "Ethernet in VLAN 30", ether(NSH, inner, SFF_B, SFF_A, [(VLAN, 30)])
    yield "Ethernet in QinQ 200, 30", ether(NSH, inner, SFF_B, SFF_A, [(QINQ, 200), (VLAN, 30)])
    yield "plain VXLAN around Ethernet", gpe(
        ether(NSH, inner, SFF_B, SFF_A), flags=0x08, np=0, dport=VXLAN_PORT
    )
    yield "Geneve", geneve(0)
    yield "Geneve with an option", geneve(0, struct.pack(">HBBI", 0x0101, 1, 1, 7))
    yield "Geneve with an unknown critical option", geneve(0x40, struct.pack(">HBBI", 0x0101, 0x81, 1, 7))
    yield "Geneve control packet", geneve(0x80)
    yield "Geneve version 1", geneve(0, ver=1)
    yield "GRE", outer(GRE, struct.pack(">HH", 0, NSH) + inner)
    yield "GRE with key and sequence number", outer(GRE, struct.pack(">HHII", 0x3000, NSH, 100, 1) + inner)
    yield "GRE version 1", outer(GRE, struct.pack(">HH", 1, NSH) + inner)


CAPTURES = (
    nsh_good,
    nsh_md2,
    nsh_ttl,
    nsh_lookup,
    nsh_version,
    nsh_length,
    nsh_md_type,
    nsh_next_protocol,
    nsh_flags,
    gpe_flags,
    nsh_outer,
    nsh_truncated,
    nsh_transports,
)
