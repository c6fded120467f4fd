"""Builders of frames, from Ethernet up to NSH over VXLAN-GPE, in which every field can be made wrong.

Used by the edge cases beside it. Left alone, a builder fills in what is right.
"""

import ipaddress
import struct

CLIENT, SERVER = "02:00:00:00:01:01", "02:00:00:00:02:01"
SFF_A, SFF_B = "02:00:00:00:0a:01", "02:00:00:00:0b:01"
CLIENT4, SERVER4, CLIENT6, SERVER6 = "10.1.0.11", "10.2.0.10", "fd00:1::11", "fd00:2::a"
SFF_A4, SFF_B4 = "10.99.0.1", "10.99.0.2"
VNI, SPI = 100, 100
IP4, IP6, ARP, VLAN, QINQ, NSH = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x894F
ICMP, TCP, UDP, GRE, FRAGMENT, NONE, ICMP6 = 1, 6, 17, 47, 44, 59, 58
GPE_PORT, VXLAN_PORT, GENEVE_PORT = 4790, 4789, 6081
NP_IP4, NP_IP6, NP_ETHERNET, NP_NSH = 1, 2, 3, 4


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def text(length):
    """A readable payload of `length` bytes."""
    return (b"Sluice edge case. " * (length // 18 + 1))[:length]


def ether(kind, payload, dst=SERVER, src=CLIENT, tags=(), pad=True):
    """An Ethernet frame; tags is a list of (type, TCI), outermost first."""
    frame = mac(dst) + mac(src) + b"".join(struct.pack(">HH", *tag) for tag in tags)
    frame += struct.pack(">H", kind) + payload
    return frame.ljust(60, b"\0") if pad else frame


def ipv4(
    proto,
    payload,
    src=CLIENT4,
    dst=SERVER4,
    *,
    ver=4,
    ihl=None,
    tos=0,
    total=None,
    ident=1,
    frag=0x4000,
    ttl=64,
    csum=None,
    options=b"",
):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack(">BBHHHBBH", ver << 4 | ihl, tos, total, ident, frag, ttl, proto, 0)
    head += ip(src) + ip(dst) + options
    csum = checksum(head) if csum is None else csum
    return head[:10] + struct.pack(">H", csum) + head[12:] + payload


def ipv6(proto, payload, src=CLIENT6, dst=SERVER6, *, ver=6, length=None, hops=64):
    length = len(payload) if length is None else length
    return struct.pack(">IHBB", ver << 28, length, proto, hops) + ip(src) + ip(dst) + payload


def transport(proto, segment, at, src, dst, csum):
    """Put the checksum over pseudo header and segment at offset `at`, unless it is given."""
    if csum is None:
        pseudo = ip(src) + ip(dst) + struct.pack(">IHBB", len(segment), 0, 0, proto)
        csum = checksum(pseudo + segment)
        if proto == UDP:
            csum = csum or 0xFFFF
    return segment[:at] + struct.pack(">H", csum) + segment[at + 2 :]


def tcp(
    payload,
    src=CLIENT4,
    dst=SERVER4,
    *,
    sport=40000,
    dport=80,
    flags=0x18,
    offset=None,
    options=b"",
    csum=None,
):
    offset = 5 + len(options) // 4 if offset is None else offset
    head = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, offset << 4, flags, 65535, 0, 0) + options
    return transport(TCP, head + payload, 16, src, dst, csum)


def udp(payload, src=CLIENT4, dst=SERVER4, *, sport=40000, dport=5001, length=None, csum=None):
    length = 8 + len(payload) if length is None else length
    return transport(UDP, struct.pack(">HHHH", sport, dport, length, 0) + payload, 6, src, dst, csum)


def icmp6(kind, body, src, dst):
    return transport(ICMP6, struct.pack(">BBH", kind, 0, 0) + body, 2, src, dst, None)


def dns_query():
    return (
        struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\3www\7example\4test\0" + struct.pack(">HH", 1, 1)
    )


def nsh(
    payload,
    np=NP_ETHERNET,
    *,
    spi=SPI,
    si=255,
    ttl=63,
    md=1,
    context=None,
    length=None,
    ver=0,
    o=0,
    u=0,
    u4=0,
):
    """An NSH header [RFC 8300 2] and its payload; length counts 4-byte words."""
    if context is None:
        context = struct.pack(">IIII", 1, 2, 3, 4) if md == 1 else b""
    length = 2 + len(context) // 4 if length is None else length
    word = ver << 30 | o << 29 | u << 28 | ttl << 22 | length << 16 | u4 << 12 | md << 8 | np
    return struct.pack(">II", word, spi << 8 | si) + context + payload


def tlv(cls, kind, value, *, u=0, length=None):
    """An MD2 context header, padded to 4 bytes [RFC 8300 2.5.1]."""
    length = len(value) if length is None else length
    return struct.pack(">HBB", cls, kind, u << 7 | length) + value + b"\0" * (-len(value) % 4)


def gpe(
    payload,
    *,
    flags=0x0C,
    np=NP_NSH,
    vni=VNI,
    rsv=0,
    rsv_last=0,
    sport=50000,
    dport=GPE_PORT,
    csum=0,
    src=SFF_A4,
    dst=SFF_B4,
    dst_mac=SFF_B,
    src_mac=SFF_A,
    tags=(),
    **outer,
):
    """`payload` from SFF A to SFF B over VXLAN-GPE [draft-ietf-nvo3-vxlan-gpe], or VXLAN by flags, port."""
    tunnel = struct.pack(">BHBI", flags, rsv, np, vni << 8 | rsv_last) + payload
    segment = udp(tunnel, src, dst, sport=sport, dport=dport, csum=csum)
    return ether(IP4, ipv4(UDP, segment, src, dst, ident=0, **outer), dst_mac, src_mac, tags)


WEB4 = ether(IP4, ipv4(TCP, tcp(text(40))))
WEB6 = ether(IP6, ipv6(TCP, tcp(text(40), CLIENT6, SERVER6)))
DNS4 = ether(IP4, ipv4(UDP, udp(dns_query(), dport=53)))
DNS6 = ether(IP6, ipv6(UDP, udp(dns_query(), CLIENT6, SERVER6, dport=53)))
