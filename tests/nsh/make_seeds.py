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
    },
}

for target, seeds in SEEDS.items():
    for name, data in seeds.items():
        with open(os.path.join(sys.argv[1], target, name), "wb") as seed:
            seed.write(data)
