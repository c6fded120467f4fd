#!/usr/bin/python3
"""The comparison with peers (bench/compare ovs): its frames, its arithmetic, and what it says where a peer is missing."""

import pathlib
import struct
import sys
import tempfile
import unittest
from unittest import mock

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
import compare_ovs
import peer_frames


def forwarded(data):
    """What an SFF makes of a frame: by hand, from RFC 8300, 2.2 and 2.3."""
    data = bytearray(data)
    data[0:6] = peer_frames.mac(peer_frames.NEXT_MAC)
    data[26:34] = peer_frames.address(peer_frames.HERE_OUT) + peer_frames.address(peer_frames.NEXT)
    word, path = struct.unpack_from("!II", data, 50)
    struct.pack_into("!II", data, 50, (word & ~(63 << 22)) | 62 << 22, path - 1)
    return bytes(data)


class Frames(unittest.TestCase):
    def rounds(self, flows):
        with tempfile.TemporaryDirectory() as work:
            path = peer_frames.write(pathlib.Path(work) / "in.pcap", flows, 3)
            return peer_frames.last(path, flows)

    def test_each_flow_is_there_with_a_port_of_its_own(self):
        frames = self.rounds(10000)
        self.assertEqual(len(frames), 10000)
        self.assertEqual({len(data) for data in frames}, {138})
        self.assertEqual(len({data[34:36] for data in frames}), 10000)
        self.assertEqual(len({data[peer_frames.INNER_AT :] for data in frames}), 10000)

    def test_the_job_done_is_right_and_any_other_is_not(self):
        frames = [forwarded(data) for data in self.rounds(300)]
        self.assertIsNone(peer_frames.wrong(frames, 300))
        self.assertIsNotNone(peer_frames.wrong(frames[1:], 300))
        self.assertIsNotNone(peer_frames.wrong(frames[1:] + frames[:1], 300))
        for at in (5, 33, 49, 51, 57, 100):
            spoilt = bytearray(frames[7])
            spoilt[at] ^= 1
            self.assertIsNotNone(peer_frames.wrong(frames[:7] + [bytes(spoilt)] + frames[8:], 300), at)


class Arithmetic(unittest.TestCase):
    def test_source_and_sink_are_subtracted_from_both(self):
        found = {"io": [40] * 8, "mac": [50] * 8, "sff": [90] * 8, "ovs": [540] * 8}
        row = compare_ovs.summarise(1000, found, 550.0)
        self.assertEqual((row["ratio"], row["ci"], row["sff_net"], row["ovs_net"]), (10, [10, 10], 50, 500))

    def test_no_ratio_where_ours_costs_nothing(self):
        found = {"io": [40] * 8, "mac": [50] * 8, "sff": [90] * 7 + [39], "ovs": [540] * 8}
        self.assertIsNone(compare_ovs.summarise(1, found, 550.0)["ratio"])


class Missing(unittest.TestCase):
    def ask(self, **lacking):
        return_values = {"os.geteuid": 0, "shutil.which": "/usr/bin/there", **lacking}
        with mock.patch("os.geteuid", return_value=return_values["os.geteuid"]):
            with mock.patch("shutil.which", return_value=return_values["shutil.which"]):
                return compare_ovs.missing()

    def test_one_line_says_what_is_missing(self):
        self.assertIsNone(self.ask())
        self.assertIn("not root", self.ask(**{"os.geteuid": 1000}))
        self.assertEqual(self.ask(**{"shutil.which": None}), "no dpdk-testpmd here: apt-get install dpdk-dev")

    def test_the_command_ends_with_that_line(self):
        with mock.patch("os.geteuid", return_value=1000), self.assertRaises(SystemExit) as end:
            compare_ovs.main([])
        self.assertRegex(end.exception.code, "^compare: not root.*$")


if __name__ == "__main__":
    unittest.main()
