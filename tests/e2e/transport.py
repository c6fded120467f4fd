#!/usr/bin/python3
"""What goes over the wire between two nodes, read by tshark."""

import e2e
from e2e import PCAPS, equal

MIXED = PCAPS / "mixed.pcap"


def errors(work, path, where):
    """How many frames tshark has an error to say about."""
    return len(e2e.fields(work, path, "frame.number", where=f"({where}) && _ws.expert.severity == error"))


def core_capture(work, source):
    config = e2e.write_domain(work, e2e.two_nodes())
    core = work / "core.pcap"
    e2e.replay(work, config, "--node", "edge-1", "--lockstep", "--in", f"lan={source}", "--out", f"core={core}")
    return core


def test_every_frame_names_path_position_and_hops_left(work):
    core = core_capture(work, MIXED)
    rows = e2e.fields(work, core, "nsh.spi", "nsh.si", "nsh.ttl", "nsh.mdtype", "nsh.nextproto", "nsh.contextheader")
    equal(len(rows), len(e2e.without_denied(work, MIXED)), "frames")
    # Path 100 after its first function; one SFF visited of 63 [RFC 8300 2.2]; MD type 1 with Ethernet inside.
    found = {(*(int(field, 0) for field in row[:5]), row[5].replace(",", "").replace(":", "")) for row in rows}
    equal(found, {(100, 254, 62, 1, 3, "000000010000000200000003ffffffff")}, "SPI, SI, TTL, MD type, next protocol, context")


def test_the_outer_headers_lead_from_node_to_node(work):
    core = core_capture(work, MIXED)
    rows = e2e.tshark(
        work, core, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-E", "occurrence=f", "-T", "fields",
        *("-e", "eth.src", "-e", "eth.dst", "-e", "ip.src", "-e", "ip.dst", "-e", "udp.dstport"),
        *("-e", "vxlan.vni", "-e", "ip.checksum.status", "-e", "vxlan.next_proto"),
    )
    equal(
        {tuple(row) for row in rows},
        {("02:00:00:00:0a:01", "02:00:00:00:0b:01", "10.99.0.1", "10.99.0.2", "4790", "100", "1", "4")},
        "outer headers of all frames",
    )


def test_flows_are_spread_over_source_ports(work):
    core = core_capture(work, MIXED)
    ports = {int(row[0]) for row in e2e.fields(work, core, "udp.srcport", where="udp.dstport == 4790")
             for row in [row[0].split(",")]}
    # Entropy for ECMP [draft-ietf-nvo3-vxlan-gpe 5]: ephemeral ports [RFC 6335], and more than a few of them.
    e2e.check(len(ports) > 20, f"{len(ports)} source ports")
    e2e.check(min(ports) >= 49152, f"source port {min(ports)}")


def test_the_inner_frames_have_no_error_the_input_did_not_have(work):
    core = core_capture(work, MIXED)
    allowed = e2e.select(MIXED, f"not ({e2e.DENIED})", work / "allowed.pcap", work)
    equal(errors(work, core, "frame"), errors(work, allowed, "frame"), "frames with expert errors")
    inner = [row[0].split(",")[-1] for row in e2e.fields(work, core, "eth.dst", where="nsh")]
    equal(inner, [row[0] for row in e2e.fields(work, allowed, "eth.dst")], "inner destination addresses")


e2e.main()
