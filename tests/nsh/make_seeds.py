#!/usr/bin/env python3
"""Write the hand-made fuzz seeds: make_seeds.py TESTS_FUZZ_REGRESS_FOLDER. Each file name says what it is."""
import os
import struct
import sys


def nsh(version=0, o=0, u=0, ttl=63, words=6, u4=0, md=1, np=3, sp=0x64FF, rest=bytes(16)):
    base = version << 30 | o << 29 | u << 28 | ttl << 22 | words << 16 | u4 << 12 | md << 8 | np
    return struct.pack(">II", base, sp) + rest


def tlv(md_class, kind, value, size=None):
    size = len(value) if size is None else size
    return struct.pack(">HBB", md_class, kind, size) + value + bytes(-len(value) % 4)


def md2(tlvs, **fields):
    return nsh(md=2, words=2 + len(tlvs) // 4, rest=tlvs, **fields)


def outer(payload=nsh(), tags=b"", options=b"", flags=0x0C, np=4, port=4790, fragment=0x4000, protocol=17,
          ip_size=None, udp_size=None, udp_checksum=0, version=4, pad=0):
    gpe = struct.pack(">BHBI", flags, 0, np, 100 << 8) + payload
    udp = struct.pack(">HHHH", 50000, port, udp_size if udp_size is not None else 8 + len(gpe), udp_checksum) + gpe
    size = 20 + len(options) + len(udp)
    ip = struct.pack(">BBHHHBBHII", version << 4 | 5 + len(options) // 4, 0, ip_size if ip_size is not None else size,
                     7, fragment, 64, protocol, 0, 0x0A630001, 0x0A630002) + options
    total = sum(struct.unpack(f">{len(ip) // 2}H", ip))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", total ^ 0xFFFF) + ip[12:]
    return bytes.fromhex("020000000b01020000000a01") + tags + b"\x08\x00" + ip + udp + bytes(pad)


def sum16(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


MACS = bytes.fromhex("020000000b01020000000a01")
INNER = bytes.fromhex("020101010101020202020202894f")
ADDRESSES = {4: bytes.fromhex("0a6300010a630002"),
             6: bytes.fromhex("fd00009900000000000000000000000" "1fd000099000000000000000000000002")}


def ip(family, protocol, payload, ext=b"", next_header=None, tags=b"", hops=64):
    """A frame of IPv4 or IPv6; ext = extension headers, next_header = the first of them."""
    if family == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 2, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + ADDRESSES[4]
        header = header[:10] + struct.pack(">H", sum16(header) ^ 0xFFFF) + header[12:]
        return MACS + tags + b"\x08\x00" + header + payload
    first = protocol if next_header is None else next_header
    header = struct.pack(">IHBB", 6 << 28 | 2 << 20 | 0xC350, len(ext) + len(payload), first, hops) + ADDRESSES[6]
    return MACS + tags + b"\x86\xdd" + header + ext + payload


def over_udp(family, port, payload, checksum=True, **fields):
    head = struct.pack(">HHHH", 50000, port, 8 + len(payload), 0)
    pseudo = ADDRESSES[family] + struct.pack(">HH", 17, 8 + len(payload))
    value = (sum16(pseudo + head + payload) ^ 0xFFFF) or 0xFFFF
    return ip(family, 17, head[:6] + struct.pack(">H", value if checksum else 0) + payload, **fields)


def icmp(family, kind, rest, data):
    head = struct.pack(">BBHI", kind, 0, 0, rest)
    pseudo = b"" if family == 4 else ADDRESSES[6] + struct.pack(">II", 8 + len(data), 58)
    return head[:2] + struct.pack(">H", sum16(pseudo + head + data) ^ 0xFFFF) + head[4:] + data


def gpe(payload=nsh(), flags=0x0C, np=4):
    return struct.pack(">BHBI", flags, 0, np, 100 << 8) + payload


def geneve(payload=nsh(), flags=0, protocol=0x894F, options=b""):
    return struct.pack(">BBHI", len(options) // 4, flags, protocol, 100 << 8) + options + payload


def gre(flags=0, fields=b"", payload=nsh(), protocol=0x894F):
    data = struct.pack(">HH", flags, protocol) + fields + payload
    if flags & 0x8000:
        data = data[:4] + struct.pack(">H", sum16(data) ^ 0xFFFF) + data[6:]
    return data


INNER_IP = ip(4, 17, bytes(8))[14:]
EXT = bytes.fromhex("3c00010400000000" "2b011e0c" "000000000000000000000000" "2c00040000000000" "1100000001020304")

SEEDS = {
    "nsh": {
        "md1": nsh(),
        "md1_with_payload": nsh() + bytes(64),
        "md1_context": nsh(rest=bytes(range(16))),
        "md1_u_bits": nsh(u=1, u4=15),
        "md1_length_5": nsh(words=5),
        "md1_length_7": nsh(words=7, rest=bytes(20)),
        "md1_cut": nsh()[:23],
        "base_cut": nsh()[:7],
        "ttl_0": nsh(ttl=0),
        "ttl_1": nsh(ttl=1),
        "si_0": nsh(sp=0x6400),
        "spi_si_all_ones": nsh(sp=0xFFFFFFFF),
        "version_1": nsh(version=1),
        "md_type_0": nsh(md=0),
        "md_type_15": nsh(md=15),
        "oam_active": nsh(o=1, np=7),
        "np_none": nsh(np=0),
        "nested_with_length_0": nsh(np=4) + nsh(words=0),
        "draft_era_c_bit": nsh(o=1, u=1, ttl=0),
        "md2_length_2": md2(b""),
        "md2_length_1": nsh(md=2, words=1, rest=b""),
        "md2_length_0": nsh(md=2, words=0, rest=b""),
        "md2_tlvs_of_every_remainder": md2(b"".join(tlv(0, 5, b"abcdefg"[:n]) for n in range(8))),
        "md2_tlv_127": md2(tlv(0x0200, 9, bytes(127))),
        "md2_252": md2(tlv(0, 0, b"") * 61),
        "md2_duplicates": md2(tlv(0, 0, b"first") + tlv(0, 0, b"second")),
        "md2_tlv_u_bit_and_padding": md2(tlv(0, 4, b"a\0\0\xff", 0x81)),
        "md2_tlv_past_the_length": md2(tlv(0, 4, b"abcd", 5)),
        "md2_tlv_127_in_4": md2(tlv(0, 4, b"abcd", 127)),
    },
    "outer": {
        "plain": outer(),
        "no_payload": outer(b""),
        "payload_ethernet_p_0": outer(bytes(14), flags=0x08, np=0),
        "np_ethernet": outer(bytes(14), np=3),
        "np_0": outer(np=0),
        "np_6": outer(np=6),
        "one_tag": outer(tags=bytes.fromhex("8100001e")),
        "two_tags": outer(tags=bytes.fromhex("88a800058100001e")),
        "three_tags": outer(tags=bytes.fromhex("810000058100000681000007")),
        "options_4": outer(options=b"\1\1\1\0"),
        "options_40_two_tags": outer(tags=bytes.fromhex("88a800058100001e"), options=bytes([1] * 40)),
        "options_cut": outer(options=bytes([1] * 40))[:50],
        "padded": outer(nsh(md=2, words=2, rest=b""), pad=2),
        "udp_checksum": outer(udp_checksum=0xBEEF),
        "udp_length_15": outer(udp_size=15),
        "udp_length_65535": outer(udp_size=65535),
        "udp_length_short_of_the_packet": outer(udp_size=20),
        "ip_length_65535": outer(ip_size=65535),
        "ip_length_19": outer(ip_size=19),
        "ip_length_27": outer(ip_size=27),
        "ip_version_6": outer(version=6),
        "first_fragment": outer(fragment=0x2000),
        "last_fragment": outer(fragment=0x0001),
        "tcp": outer(protocol=6),
        "port_4789": outer(port=4789),
        "gpe_version_1": outer(flags=0x1C),
        "gpe_i_0": outer(flags=0x04),
        "gpe_o_1": outer(flags=0x0D),
        "gpe_b_and_r_bits": outer(flags=0xCE),
        "ethernet_cut": outer()[:13],
        "tag_cut": outer(tags=bytes.fromhex("8100001e"))[:15],
        "ip_cut": outer()[:33],
        "udp_cut": outer()[:41],
        "gpe_cut": outer()[:49],
        "headers_alone": outer()[:50],
        "arp": bytes.fromhex("ffffffffffff020000000a010806") + bytes(46),
        "empty": b"",
        "ethernet_nsh": MACS + b"\x89\x4f" + nsh(),
        "ethernet_nsh_two_tags": MACS + bytes.fromhex("88a800058100001e894f") + nsh(np=1) + INNER_IP,
        "gpe_v4_ce": over_udp(4, 4790, gpe(nsh(np=1) + INNER_IP.replace(b"\x45\x02", b"\x45\x03")), False),
        "gpe_v6": over_udp(6, 4790, gpe()),
        "gpe_v6_zero_checksum": over_udp(6, 4790, gpe(), False),
        "gpe_v6_extension_headers": over_udp(6, 4790, gpe(), ext=EXT, next_header=0),
        "gpe_v6_first_fragment": over_udp(6, 4790, gpe(), ext=b"\x11\0\0\1abcd", next_header=44),
        "gpe_v6_last_fragment": over_udp(6, 4790, gpe(), ext=b"\x11\0\0\x10abcd", next_header=44),
        "gpe_v6_segment_left": over_udp(6, 4790, gpe(), ext=b"\x11\0\4\1abcd", next_header=43),
        "gpe_v6_option_discard": over_udp(6, 4790, gpe(), ext=b"\x11\0\x40\4abcd", next_header=60),
        "gpe_inner_ethernet": over_udp(4, 4790, gpe(INNER + nsh(), np=3), False),
        "vxlan_v4": over_udp(4, 4789, gpe(INNER + nsh(), flags=8, np=0), False),
        "vxlan_v6_one_tag": over_udp(6, 4789, gpe(INNER + nsh(), flags=8, np=0), tags=bytes.fromhex("8100001e")),
        "vxlan_i_0": over_udp(4, 4789, gpe(INNER + nsh(), flags=0, np=0), False),
        "geneve_v4": over_udp(4, 6081, geneve()),
        "geneve_v6": over_udp(6, 6081, geneve()),
        "geneve_inner_ethernet": over_udp(4, 6081, geneve(INNER + nsh(), protocol=0x6558)),
        "geneve_options": over_udp(4, 6081, geneve(options=bytes.fromhex("01020301deadbeef01020400"))),
        "geneve_critical": over_udp(4, 6081, geneve(flags=0x40, options=bytes.fromhex("01028301deadbeef01020400"))),
        "geneve_critical_none": over_udp(4, 6081, geneve(flags=0x40, options=bytes.fromhex("01020301deadbeef"))),
        "geneve_option_overruns": over_udp(4, 6081, geneve(flags=0x40, options=bytes.fromhex("01020302deadbeef"))),
        "geneve_control": over_udp(4, 6081, geneve(flags=0x80)),
        "geneve_252_bytes_of_options": over_udp(6, 6081, geneve(options=bytes.fromhex("01020300") * 63)),
        "gre_v4": ip(4, 47, gre()),
        "gre_v6": ip(6, 47, gre()),
        "gre_key": ip(4, 47, gre(0x2000, bytes.fromhex("12345678"))),
        "gre_checksum_key_sequence": ip(6, 47, gre(0xB000, bytes.fromhex("000000001234567800000001"))),
        "gre_version_1": ip(4, 47, gre(1)),
        "gre_routing": ip(4, 47, gre(0x4000)),
        "udp_v4": over_udp(4, 6633, nsh()),
        "udp_v6": over_udp(6, 6633, nsh(np=2) + ip(6, 59, b"")[14:]),
    },
    "underlay": {
        "arp_request": MACS + bytes.fromhex("0806000108000604000102000000" "0b010a63000200000000" "00000a630001"),
        "arp_probe": MACS + bytes.fromhex("080600010800060400010200" "00000b0100000000000000000000" "0a630001"),
        "solicitation": ip(6, 58, icmp(6, 135, 0, ADDRESSES[6][16:] + bytes.fromhex("0101020000000a01")), hops=255),
        "advertisement": ip(6, 58, icmp(6, 136, 3 << 29, ADDRESSES[6][:16] + bytes.fromhex("0201020000000a01")),
                            hops=255),
        "solicitation_no_option": ip(6, 58, icmp(6, 135, 0, ADDRESSES[6][16:]), hops=255),
        "solicitation_option_of_length_0": ip(6, 58, icmp(6, 135, 0, ADDRESSES[6][16:] + bytes(8)), hops=255),
        "echo_v4": ip(4, 1, icmp(4, 8, 0x12340001, bytes(range(41)))),
        "echo_v6": ip(6, 58, icmp(6, 128, 0x12340001, bytes(range(41)))),
        "echo_v4_two_tags": ip(4, 1, icmp(4, 8, 1, b"abc"), tags=bytes.fromhex("88a800058100001e")),
        "echo_reply_v4": ip(4, 1, icmp(4, 0, 1, b"abc")),
        "unreachable_v4": ip(4, 1, icmp(4, 3, 1400, INNER_IP)),
        "big_v4": over_udp(4, 53, bytes(1400)),
        "big_v6": over_udp(6, 53, bytes(1400)),
        "big_v6_extension_headers": over_udp(6, 53, bytes(1300), ext=EXT, next_header=0),
        "big_v6_fragment": over_udp(6, 53, bytes(1300), ext=b"\x11\0\0\1abcd", next_header=44),
        "redirect_v6": ip(6, 58, icmp(6, 137, 0, bytes(32))),
    },
}

for target, seeds in SEEDS.items():
    os.makedirs(os.path.join(sys.argv[1], target), exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(sys.argv[1], target, name), "wb") as seed:
            seed.write(data)
