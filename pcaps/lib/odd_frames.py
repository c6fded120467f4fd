"""Odd frames as they may come in at an access port.

Each function makes one capture: it yields (description, frame).
"""

import struct

from .packets import *


def truncated():
    """Headers cut at and around every layer's end, and nothing behind them."""
    tagged = ether(IP4, ipv4(TCP, tcp(text(20))), tags=[(VLAN, 30)])
    double = ether(IP6, ipv6(UDP, udp(text(20), CLIENT6, SERVER6)), tags=[(QINQ, 200), (VLAN, 30)])
    chain = ether(
        IP6,
        ipv6(
            0,
            bytes((60, 0))
            + bytes((1, 4))
            + bytes(4)
            + bytes((TCP, 1))
            + bytes((1, 12))
            + bytes(12)
            + tcp(text(20), CLIENT6, SERVER6),
        ),
    )
    arp = ether(ARP, bytes.fromhex("0001080006040001") + mac(CLIENT) + ip(CLIENT4) + bytes(6) + ip(SERVER4))
    for name, frame, cuts in (
        ("Ethernet", WEB4, (1, 6, 12, 13, 14)),
        ("802.1Q tag", tagged, (15, 16, 17, 18)),
        ("two tags", double, (19, 20, 21, 22)),
        ("IPv4", WEB4, (15, 23, 33, 34)),
        ("IPv4 in a VLAN", tagged, (19, 37, 38)),
        ("IPv6", WEB6, (15, 20, 53, 54)),
        ("IPv6 in QinQ", double, (23, 61, 62)),
        ("IPv6 extension headers", chain, (55, 61, 62, 63, 77, 78)),
        ("TCP over IPv4", WEB4, (35, 36, 38, 47, 53, 54)),
        ("TCP over IPv6", WEB6, (55, 58, 73, 74)),
        ("UDP over IPv4", DNS4, (37, 41, 42)),
        ("UDP over IPv6", DNS6, (57, 61, 62)),
        ("ARP", arp, (15, 21, 41)),
    ):
        for cut in cuts:
            yield f"{name} cut after {cut} bytes", frame[:cut]


def sizes():
    """Every legal length class of a frame, 1 to 65,535 bytes."""
    for size in (1, 13):
        yield f"{size} bytes, less than an Ethernet header", WEB4[:size]
    yield "14 bytes, an Ethernet header alone", ether(0x1234, b"", pad=False)
    for size in (42, 59):
        yield f"runt of {size} bytes", ether(IP4, ipv4(UDP, udp(text(size - 42))), pad=False)
    for size in (60, 61, 1514, 1518, 1522, 2048, 2049, 9014):
        yield f"UDP over IPv4, {size} bytes", ether(IP4, ipv4(UDP, udp(text(size - 42))))
    yield "jumbo of 9,000 bytes, UDP over IPv6", ether(IP6, ipv6(UDP, udp(text(8938), CLIENT6, SERVER6)))
    yield "65,535 bytes, TCP over IPv4 as segmentation offload leaves it", ether(
        IP4, ipv4(TCP, tcp(text(65481)))
    )


def capture_size():
    """Records no dataplane buffer holds, each between two good ones."""
    for size in (0, 65536, 70000):
        yield "good frame before it", WEB4
        yield f"record of {size} bytes", ether(IP4, ipv4(UDP, udp(text(1000)))).ljust(
            size, b"\0"
        ) if size else b""
    yield "good frame at the end", WEB4


def fragments():
    """IPv4 and IPv6 fragments, whole series and hostile ones."""
    packet = udp(text(2992))
    for at, more in ((0, 1), (1480, 1), (2960, 0)):
        piece = packet[at : at + 1480]
        yield f"IPv4 fragment at {at}", ether(IP4, ipv4(UDP, piece, ident=11, frag=more << 13 | at >> 3))
    yield "IPv4 last fragment with no first", ether(IP4, ipv4(TCP, text(64), ident=12, frag=185))
    yield "IPv4 first fragment of 8 bytes: the ports, no more", ether(
        IP4, ipv4(TCP, tcp(b"")[:8], ident=13, frag=0x2000)
    )
    yield "IPv4 fragment at 8 that would overwrite TCP flags", ether(
        IP4, ipv4(TCP, text(32), ident=13, frag=1)
    )
    yield "IPv4 fragment that ends beyond 65,535", ether(IP4, ipv4(ICMP, text(1480), ident=14, frag=0x1FFF))
    yield "IPv4 fragment overlapping the series", ether(
        IP4, ipv4(UDP, text(800), ident=11, frag=0x2000 | 100)
    )
    yield "IPv4 fragment with DF and MF both set", ether(IP4, ipv4(UDP, packet[:64], ident=15, frag=0x6000))
    yield "IPv4 with the reserved flag set", ether(IP4, ipv4(UDP, udp(text(20)), ident=16, frag=0x8000))
    packet = udp(text(2888), CLIENT6, SERVER6)
    for at, more in ((0, 1), (1448, 1), (2896, 0)):
        piece = packet[at : at + 1448] or b"\0" * 8
        head = struct.pack(">BBHI", UDP, 0, at | more, 21)
        yield f"IPv6 fragment at {at}", ether(IP6, ipv6(FRAGMENT, head + piece))
    yield "IPv6 atomic fragment [RFC 6946]", ether(
        IP6, ipv6(FRAGMENT, struct.pack(">BBHI", TCP, 0, 0, 22) + tcp(text(20), CLIENT6, SERVER6))
    )
    yield "IPv6 last fragment with no first", ether(
        IP6, ipv6(FRAGMENT, struct.pack(">BBHI", TCP, 0, 1448, 23) + text(40))
    )
    yield "IPv6 first fragment without the transport header [RFC 7112]", ether(
        IP6, ipv6(FRAGMENT, struct.pack(">BBHI", 60, 0, 1, 24) + bytes((TCP, 0, 1, 4, 0, 0, 0, 0)))
    )
    yield "IPv6 fragment header cut by the end of the packet", ether(IP6, ipv6(FRAGMENT, b"\x06\0\0\1"))


def ip6_extensions():
    """Chains of IPv6 extension headers [RFC 8200 4]."""

    def chain(*headers, last=TCP, payload=None):
        """Headers are (type, body); next header and length are put in front of each body."""
        out = tcp(text(20), CLIENT6, SERVER6) if payload is None else payload
        follows = last
        for kind, body in reversed(headers):
            out = bytes((follows, (len(body) + 2) // 8 - 1)) + body + out
            follows = kind
        return ether(IP6, ipv6(follows, out))

    pad6, pad14 = bytes((1, 4)) + bytes(4), bytes((1, 12)) + bytes(12)
    alert = bytes((5, 2, 0, 0, 1, 0))
    yield "hop-by-hop, then TCP", chain((0, pad6))
    yield "hop-by-hop with router alert, then TCP", chain((0, alert))
    yield "destination options of 16 bytes, then TCP", chain((60, pad14))
    yield "hop-by-hop, routing, destination options, then TCP", chain(
        (0, pad6), (43, bytes((253, 0)) + bytes(4)), (60, pad14)
    )
    yield "routing header type 0, deprecated [RFC 5095]", chain((43, bytes((0, 1)) + bytes(4) + ip(SERVER6)))
    yield "hop-by-hop not in first place", chain((60, pad6), (0, pad6))
    yield "eight destination options headers in a row", chain(*[(60, pad6)] * 8)
    yield "forty destination options headers in a row", chain(*[(60, pad6)] * 40)
    yield "no next header", ether(IP6, ipv6(NONE, b""))
    yield "no next header, with bytes behind it", ether(IP6, ipv6(NONE, text(40)))
    yield "destination options longer than the packet", ether(IP6, ipv6(60, bytes((TCP, 255)) + pad6))
    yield "authentication header, then TCP (lengths in 4-byte words)", ether(
        IP6, ipv6(51, bytes((TCP, 4)) + bytes(22) + tcp(text(20), CLIENT6, SERVER6))
    )
    yield "ESP", ether(IP6, ipv6(50, struct.pack(">II", 0x1000, 1) + text(48)))
    yield "unknown next header 253", ether(IP6, ipv6(253, text(40)))
    yield "payload length 0 (jumbogram without the option)", ether(
        IP6, ipv6(TCP, tcp(b"", CLIENT6, SERVER6), length=0)
    )
    yield "payload length beyond the frame", ether(
        IP6, ipv6(TCP, tcp(text(20), CLIENT6, SERVER6), length=1400)
    )
    yield "version 4 in an IPv6 frame", ether(IP6, ipv6(TCP, tcp(text(20), CLIENT6, SERVER6), ver=4))
    yield "hop limit 0", ether(IP6, ipv6(TCP, tcp(text(20), CLIENT6, SERVER6), hops=0))


def vlan_tags():
    """0 to 3 VLAN tags, and tags with odd contents."""
    web = ipv4(TCP, tcp(text(40)))
    query = ipv4(UDP, udp(dns_query(), dport=53))
    web6 = ipv6(TCP, tcp(text(40), CLIENT6, SERVER6))
    c, s, old = (VLAN, 30), (QINQ, 200), (0x9100, 200)
    for name, tags in (
        ("no tag", []),
        ("VLAN 30", [c]),
        ("QinQ 200, 30", [s, c]),
        ("QinQ by two 802.1Q tags", [(VLAN, 200), c]),
        ("three tags", [s, (VLAN, 100), c]),
    ):
        yield f"{name}, TCP over IPv4", ether(IP4, web, tags=tags)
        yield f"{name}, TCP over IPv6", ether(IP6, web6, tags=tags)
        yield f"{name}, DNS query over IPv4", ether(IP4, query, tags=tags)
    yield "priority tag, VLAN 0, PCP 5", ether(IP4, web, tags=[(VLAN, 5 << 13)])
    yield "VLAN 4095, reserved", ether(IP4, web, tags=[(VLAN, 4095)])
    yield "VLAN 30 with DEI set", ether(IP4, web, tags=[(VLAN, 1 << 12 | 30)])
    yield "outer tag type 0x9100", ether(IP4, web, tags=[old, c])
    yield "one service tag alone", ether(IP4, web, tags=[s])
    yield "a tag and nothing behind it", ether(VLAN, b"", pad=False)
    yield "VLAN 30, ARP", ether(ARP, arp_request(), "ff:ff:ff:ff:ff:ff", tags=[c])


def arp_request():
    return bytes.fromhex("0001080006040001") + mac(CLIENT) + ip(CLIENT4) + bytes(6) + ip("10.1.0.1")


def non_ip():
    """Frames with no IP packet, or with another one than their type says."""

    def llc(payload, dst):
        return (mac(dst) + mac(CLIENT) + struct.pack(">H", len(payload)) + payload).ljust(60, b"\0")

    stp, everyone = "01:80:c2:00:00:00", "ff:ff:ff:ff:ff:ff"
    bpdu = (
        b"\x42\x42\x03" + bytes(5) + b"\x80\0" + mac(CLIENT) + bytes(4) + b"\x80\0" + mac(CLIENT) + b"\x80\1"
    )
    bpdu += struct.pack(">HHHH", 0, 20 << 8, 2 << 8, 15 << 8)
    yield "ARP request", ether(ARP, arp_request(), everyone)
    yield "ARP reply", ether(
        ARP,
        bytes.fromhex("0001080006040002") + mac(SERVER) + ip("10.1.0.1") + mac(CLIENT) + ip(CLIENT4),
        CLIENT,
        SERVER,
    )
    yield "ARP with hardware length 255", ether(ARP, bytes.fromhex("00010800ff040001") + bytes(20), everyone)
    yield "spanning tree BPDU in LLC", llc(bpdu, stp)
    yield "LLC with SNAP, Cisco discovery protocol", llc(
        b"\xaa\xaa\x03\0\0\x0c\x20\0\x02\xb4\0\0", "01:00:0c:cc:cc:cc"
    )
    yield "LLC with SNAP around IPv4 [RFC 1042]", llc(
        b"\xaa\xaa\x03\0\0\0\x08\0" + ipv4(UDP, udp(text(20))), SERVER
    )
    yield "raw 802.3 IPX", llc(b"\xff\xff" + bytes(28), everyone)
    yield "802.3 length 0", llc(b"", SERVER)
    yield "type 0x05FF, neither length nor type", ether(0x05FF, text(46))
    yield "LLDP", ether(
        0x88CC, bytes.fromhex("0207040200000001010403027031060200780000"), "01:80:c2:00:00:0e"
    )
    yield "LACP (slow protocols)", ether(0x8809, b"\1\1" + bytes(108), "01:80:c2:00:00:02")
    yield "pause", ether(0x8808, b"\0\1\xff\xff", "01:80:c2:00:00:01")
    yield "MPLS label 16 around IPv4", ether(
        0x8847, struct.pack(">I", 16 << 12 | 1 << 8 | 64) + ipv4(UDP, udp(text(20)))
    )
    yield "PPPoE session around IPv4", ether(0x8864, b"\x11\0\0\1\0\x32\0\x21" + ipv4(UDP, udp(text(20))))
    yield "unknown type 0x88B5", ether(0x88B5, text(46))
    yield "NSH on an access port", ether(NSH, nsh(WEB4))
    yield "IPv6 packet under the IPv4 type", ether(IP4, ipv6(TCP, tcp(text(20), CLIENT6, SERVER6)))
    yield "IPv4 packet under the IPv6 type", ether(IP6, ipv4(TCP, tcp(text(20))))


def multicast():
    """Broadcast, multicast and odd MAC addresses."""

    def v4(dst, dst_mac, src=CLIENT4, src_mac=CLIENT):
        return ether(IP4, ipv4(UDP, udp(text(20), src, dst), src, dst), dst_mac, src_mac)

    yield "limited broadcast", v4("255.255.255.255", "ff:ff:ff:ff:ff:ff")
    yield "subnet broadcast", v4("10.1.255.255", "ff:ff:ff:ff:ff:ff")
    yield "IPv4 multicast", v4("239.1.2.3", "01:00:5e:01:02:03")
    yield "IGMP query with router alert", ether(
        IP4,
        ipv4(2, bytes.fromhex("1164ee9b00000000"), dst="224.0.0.1", ttl=1, options=b"\x94\4\0\0"),
        "01:00:5e:00:00:01",
    )
    group = "ff02::1:ff00:a"
    yield "IPv6 neighbour solicitation", ether(
        IP6,
        ipv6(
            ICMP6,
            icmp6(135, bytes(4) + ip(SERVER6) + b"\1\1" + mac(CLIENT), CLIENT6, group),
            dst=group,
            hops=255,
        ),
        "33:33:ff:00:00:0a",
    )
    yield "IPv6 router solicitation from ::", ether(
        IP6,
        ipv6(ICMP6, icmp6(133, bytes(4), "::", "ff02::2"), "::", "ff02::2", hops=255),
        "33:33:00:00:00:02",
    )
    yield "unicast IP address in a multicast frame", v4(SERVER4, "01:00:5e:02:00:0a")
    yield "multicast source MAC", v4(SERVER4, SERVER, src_mac="03:00:00:00:01:01")
    yield "all-zero MAC addresses", v4(SERVER4, "00:00:00:00:00:00", src_mac="00:00:00:00:00:00")
    yield "source is the destination, MAC and IP", v4(CLIENT4, CLIENT)


def ip4_odd():
    """IPv4, TCP and UDP with wrong or rare header fields."""

    def v4(src=CLIENT4, **fields):
        return ether(IP4, ipv4(TCP, tcp(text(20), src), src, **fields))

    yield "right checksum, for comparison", v4()
    yield "wrong header checksum", v4(csum=0xBEEF)
    yield "header checksum 0", v4(csum=0)
    yield "no-operation and end-of-list options", v4(options=b"\1\1\1\0")
    yield "record route option", v4(options=b"\7\7\4" + bytes(4) + b"\0")
    yield "40 bytes of options, the most there can be", v4(options=b"\x44\x28\5\0" + bytes(36))
    yield "option with length 0", v4(options=b"\7\0\0\0")
    yield "option longer than the header", v4(options=b"\7\xff\4\0")
    yield "header length 4 (16 bytes)", v4(ihl=4)
    yield "header length 0", v4(ihl=0)
    yield "header length 15 in a packet of 20 bytes", ether(IP4, ipv4(TCP, b"", ihl=15, total=20))
    yield "total length 0", v4(total=0)
    yield "total length 19", v4(total=19)
    yield "total length beyond the frame", v4(total=1500)
    yield "total length short of the frame: the rest is padding", v4(total=44)
    yield "version 5", v4(ver=5)
    yield "TTL 0", v4(ttl=0)
    yield "TTL 1", v4(ttl=1)
    yield "ECN CE and DSCP EF", v4(tos=46 << 2 | 3)
    yield "from 0.0.0.0", v4(src="0.0.0.0")
    yield "from 127.0.0.1", v4(src="127.0.0.1")
    yield "from a multicast address", v4(src="224.0.0.1")
    yield "protocol 255", ether(IP4, ipv4(255, text(40)))
    yield "GRE around IPv4", ether(IP4, ipv4(GRE, struct.pack(">HH", 0, IP4) + ipv4(UDP, udp(text(20)))))
    yield "SCTP", ether(
        IP4, ipv4(132, struct.pack(">HHII", 40000, 80, 1, 0) + bytes((3, 0, 0, 16)) + bytes(12))
    )
    yield "TCP wrong checksum", ether(IP4, ipv4(TCP, tcp(text(20), csum=0xBEEF)))
    yield "TCP data offset 4", ether(IP4, ipv4(TCP, tcp(text(20), offset=4)))
    yield "TCP data offset 15 in 20 bytes", ether(IP4, ipv4(TCP, tcp(b"", offset=15)))
    yield "TCP with every flag", ether(IP4, ipv4(TCP, tcp(b"", flags=0xFF)))
    yield "TCP SYN with options", ether(
        IP4,
        ipv4(TCP, tcp(b"", flags=2, options=bytes.fromhex("020405b4010303070402080a0000000100000000")[:20])),
    )
    yield "TCP port 0 to port 0", ether(IP4, ipv4(TCP, tcp(text(20), sport=0, dport=0)))
    yield "UDP checksum 0, none", ether(IP4, ipv4(UDP, udp(text(20), csum=0)))
    yield "UDP wrong checksum", ether(IP4, ipv4(UDP, udp(text(20), csum=0xBEEF)))
    yield "UDP length 7", ether(IP4, ipv4(UDP, udp(text(20), length=7)))
    yield "UDP length beyond the packet", ether(IP4, ipv4(UDP, udp(text(20), length=2000)))
    yield "UDP length 8, with bytes behind it", ether(IP4, ipv4(UDP, udp(text(20), length=8)))
    yield "UDP over IPv6 with checksum 0", ether(IP6, ipv6(UDP, udp(text(20), CLIENT6, SERVER6, csum=0)))


CAPTURES = (truncated, sizes, capture_size, fragments, ip6_extensions, vlan_tags, non_ip, multicast, ip4_odd)
