#!/usr/bin/python3
"""The sluice command from outside: a copy of it with a fake dataplane beside it.

usage: test_cli.py SLUICE [unittest arguments]
"""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli")
SLUICE = os.path.abspath(sys.argv.pop(1))

# What a dataplane that did its work reports of chain.yaml.
GOOD = """
say("start", vms=2)
say("vm", name="fw-1", runtime="kvm", boot_us=4123)
say("vm", name="mon-1", runtime="process", boot_us=1250000)
say("progress", frames=700000, bytes=50, total_bytes=100)
say("note", text="no hugepages: ordinary memory is used")
say("report", report={
    "ledger": {"balanced": True, "received": 1234567, "sent": 1234511, "originated": 2, "replicated": 0,
               "in_flight": 0, "dropped": {"sf-consumed": 56, "nsh-ttl": 2}},
    "paths": [{"name": "web", "spi": 100, "in": 1234000, "out": 1233944},
              {"name": "web-back", "spi": 101, "in": 0, "out": 0},
              {"name": "away", "spi": 200, "in": 500, "out": 500},
              {"name": "long", "spi": 300, "in": 67, "out": 67}],
    "instances": [
        {"name": "fw-1", "runtime": "kvm", "boot_us": 4123, "rx": 1234567, "tx": 1234511,
         "metrics": {"pass": 1234511, "drop.rule.1": 50, "drop.rule.2": 6}},
        {"name": "mon-1", "runtime": "process", "boot_us": 1250000, "rx": 1234511, "tx": 1234511,
         "metrics": {"c%d" % i: i for i in range(11)}}]},
    hops=[{"path": "web", "hop": 1, "function": "fw", "si": 255, "in": 1234000, "out": 1233944},
          {"path": "web", "hop": 2, "function": "mon", "si": 254, "in": 1233944, "out": 1233944},
          {"path": "web-back", "hop": 1, "function": "mon", "si": 255, "in": 0, "out": 0}],
    rates={"seconds": 0.5124, "frames_per_second": 2409381.2, "bits_per_second": 1.9e9},
    consumed=[{"instance": "fw-1", "counter": "drop.rule.1", "frames": 50},
              {"instance": "fw-1", "counter": "drop.rule.2", "frames": 6}])
"""


class Command(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="cli-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.runtime = os.path.join(self.dir, "run")
        os.mkdir(self.runtime, 0o700)
        shutil.copy(SLUICE, self.path("sluice"))
        shutil.copy(os.path.join(HERE, "fake_sff.py"), self.path("sff"))
        shutil.copy(os.path.join(HERE, "chain.yaml"), self.path("chain.yaml"))
        for name in "a.pcap", "b.pcap":
            open(self.path(name), "wb").close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def chain(self, name, *change):
        """Write chain.yaml as another file with one text changed. @return its lines."""
        with open(self.path("chain.yaml"), encoding="utf-8") as f:
            text = f.read()
        self.assertIn(change[0], text)
        text = text.replace(*change)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return text.splitlines()

    def environment(self, locale="C"):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LC_")}
        return {**environment, "XDG_RUNTIME_DIR": self.runtime, "LC_ALL": locale}

    def start(self, *words, scenario="report()", **options):
        with open(self.path("scenario"), "w", encoding="utf-8") as f:
            f.write(scenario)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": self.dir,
                   "env": self.environment(), **options}
        return subprocess.Popen(["./sluice", *words], **options)

    def run_sluice(self, *words, code=None, **options):
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=60)
        if code is not None:
            self.assertEqual(process.returncode, code, out + err)
        process.out, process.err = out, err
        return process

    def replay(self, *words, **options):
        done = self.run_sluice("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", *words, **options)
        self.assertEqual(os.listdir(self.runtime), [], "the runtime directory is gone")
        return done

    def run_dirs(self):
        return [os.path.join(self.runtime, d) for d in os.listdir(self.runtime)]

    def wait_for(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.01)


SHARES = """
def shares(n):
    return {"frames": n, "p50": 950, "p90": 1200, "p99": 35000, "p999": 2100000, "max": 15000000}

def result(case, **fields):
    return {"v": 1, "bench": "sluice", "case": case, "pps": 1234567.8, "loss": 0.004, "goal": None, "cfg": {
        "node": "edge-1", "port": "lan", "rule": "all", "frame": 64.0, "flows": 1024}, **fields}

def latency(case, preempted):
    hop = {"instance": "fw-1", "sff": shares(5), "ring": shares(5), "guest": shares(5), "return": shares(0)}
    return result(case, latency=shares(5), clean=shares(4), preempted=preempted, hops=[hop], egress=shares(5))

goal = {"loss": 0.005, "exceed": 0.5, "width": 0.005, "trial_s": 1, "sum_s": 21}
say("step", text="searching the pdr")
report(results=[result("mrr", cycles=310.2, trials=[1, 2, 3, 4, 5]),
                result("pdr", goal=goal, above_pps=1240000.0, trials=12, exceeded=2),
                result("ndr", goal={**goal, "loss": 0}, above_pps=0, trials=11, exceeded=0),
                latency("latency_none", 0), latency("latency_90", 0.25)],
       bottleneck={"kind": "instance", "name": "fw-1", "why": "its ring was full", "note": "3 threads, 2 CPUs"})
"""


class Bench(Command):
    def bench(self, *words, **options):
        done = self.run_sluice("bench", "chain.yaml", "--node", "edge-1", *words, **options)
        self.assertEqual(os.listdir(self.runtime), [], "the runtime directory is gone")
        return done

    def test_a_table_for_people(self):
        out = self.bench(code=0, scenario=SHARES).out
        self.assertLessEqual(max(map(len, out.splitlines())), 100, out)
        for text in ("frames of 64 bytes, 1,024 flows, made for rule all, into port lan", "MRR   1,234,567",
                     "at full load, 310 cycles a frame", "loss goal 0.5 %, 2 of its trials lost more; not 1,240,000",
                     "0 of its trials lost more\n",
                     "fw-1: its ring was full", "3 threads, 2 CPUs", "90 % of PDR", "25.0 %", "950 ns / 35 us",
                     "15 ms", "balanced"):
            self.assertIn(text, out)

    def test_one_document_for_machines(self):
        document = json.loads(self.bench("--json", code=0, scenario=SHARES).out)
        self.assertEqual(sorted(document), ["bottleneck", "ledger", "results"])
        self.assertEqual([result["case"] for result in document["results"]],
                         ["mrr", "pdr", "ndr", "latency_none", "latency_90"])

    def test_options_reach_the_dataplane(self):
        say = 'say("error", text=str([args.bench, args.size, args.flows, args.trial, args.sum, args.width]))\n'
        done = self.bench("--size", "imix", "--flows", "9", "--quick", "--sum", "5", scenario=say + "exit(1)", code=1)
        self.assertIn("[True, 'imix', '9', '0.2', '5', '3']", done.err)

    def test_what_failed_is_the_document(self):
        scenario = 'say("error", text="none came out")\nreport()\nexit(4)'
        done = self.bench("--json", scenario=scenario, code=4)
        self.assertEqual(json.loads(done.out), {"error": "none came out"})

    def test_books_that_do_not_balance_are_exit_3(self):
        self.bench(scenario=SHARES.replace("report(results", "report(received=9, results"), code=3)

    def test_wrong_words_are_usage_errors(self):
        for words in (["--size", "59"], ["--size", "big"], ["--flows", "0"], ["--trial", "0"], ["--sum", "x"],
                      ["--width", "51"], ["--runtime", "xen"], ["--in", "lan=a.pcap", "--in", "wan=b.pcap"],
                      ["--in", "lan=a.pcap", "--size", "64"], ["--in", "lan"], ["--in", "nowhere=a.pcap"]):
            with self.subTest(words=words):
                done = self.bench("--json", *words, code=1)
                self.assertEqual(list(json.loads(done.out)), ["error"])


class Usage(Command):
    def test_help_names_every_verb_and_each_verb_has_an_example(self):
        text = self.run_sluice("--help", code=0).out
        for verb in "check", "replay", "bench":
            self.assertIn(verb, text)
            verb_help = self.run_sluice(verb, "--help", code=0).out
            self.assertIn("example:\n  sluice %s" % verb, verb_help)
            self.assertLessEqual(max(map(len, verb_help.splitlines())), 100)

    def test_version_is_printed(self):
        self.assertRegex(self.run_sluice("--version", code=0).out, r"^sluice \d+\.\d+\.\d+\n$")

    def test_wrong_words_are_usage_errors_with_one_json_document(self):
        for words in ([], ["bogus"], ["check"], ["check", "a", "b"], ["check", "chain.yaml", "--nod"],
                      ["check", "--node"], ["replay", "chain.yaml"], ["replay", "chain.yaml", "--in"],
                      ["replay", "--in", "lan=a.pcap"], ["replay", "chain.yaml", "--bogus"]):
            with self.subTest(words=words):
                done = self.run_sluice(*words, code=1)
                self.assertEqual(done.out, "")
                self.assertNotEqual(done.err, "")
                if words:
                    done = self.run_sluice(words[0], "--json", *words[1:], code=1)
                    self.assertEqual(list(json.loads(done.out)), ["error"])

    def test_an_output_that_cannot_be_written_is_said(self):
        for words in (["check", "chain.yaml"], ["check", "chain.yaml", "--json"], ["--version"]):
            with self.subTest(words=words), open("/dev/full", "wb") as full:
                done = self.run_sluice(*words, stdout=full)
                self.assertEqual(done.returncode, 1)
                self.assertIn("standard output", done.err)

    def test_closed_standard_streams_do_no_harm(self):
        done = self.run_sluice("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", "--json",
                               preexec_fn=lambda: os.close(0), code=0)
        self.assertEqual(json.loads(done.out)["ledger"]["received"], 3)


class Check(Command):
    def test_a_good_file_is_good(self):
        self.assertIn("chain.yaml is good", self.run_sluice("check", "chain.yaml", code=0).out)
        for more in [], ["--node", "edge-1"]:
            done = self.run_sluice("check", "chain.yaml", "--json", *more, code=0)
            self.assertEqual(done.out, '{"errors":[]}\n')
            self.assertEqual(done.err, "")

    def test_a_wrong_file_is_refused_with_its_place(self):
        lines = self.chain("bad.yaml", "egress: exit", "egress: nowhere")
        number = next(i for i, l in enumerate(lines) if "nowhere" in l) + 1
        done = self.run_sluice("check", "bad.yaml", code=2)
        self.assertRegex(done.err, r"(?m)^bad\.yaml:%d:\d+: /\S+.*egress: .*nowhere" % number)
        self.assertEqual(done.out, "")
        for words in ["check", "bad.yaml"], ["replay", "bad.yaml", "--in", "lan=a.pcap"]:
            done = self.run_sluice(*words, "--json", code=2)
            errors = json.loads(done.out)["errors"]
            self.assertEqual(len(errors), 1)
            self.assertEqual(list(errors[0]), ["file", "line", "column", "path", "reason"])
            self.assertEqual((errors[0]["file"], errors[0]["line"]), ("bad.yaml", number))

    def test_a_node_that_cannot_reach_another_is_refused(self):
        done = self.run_sluice("check", "chain.yaml", "--node", "edge-2", "--json", code=2)
        error = json.loads(done.out)["errors"][0]
        self.assertEqual(error["path"], "/sfc/node[name='edge-2']")
        self.assertIn("have no transport and address family in common", error["reason"])

    def test_a_file_or_node_that_is_not_there_is_a_usage_error(self):
        done = self.run_sluice("check", "missing.yaml", code=1)
        self.assertIn("missing.yaml", done.err)
        self.assertEqual(len(json.loads(self.run_sluice("check", "missing.yaml", "--json", code=1).out)), 1)
        done = self.run_sluice("check", "chain.yaml", "--node", "edge-9", "--json", code=1)
        self.assertIn("edge-9", json.loads(done.out)["error"])


class ReplayArguments(Command):
    def refuse(self, message, *words, code=1):
        done = self.replay(*words, code=code, scenario="raise SystemExit('must not start')")
        self.assertIn(message, done.err)
        done = self.replay(*words, "--json", code=code)
        self.assertIn(message, json.loads(done.out)["error"])

    def test_what_cannot_be_done_is_refused_before_anything_starts(self):
        os.mkdir(self.path("folder"))
        os.link(self.path("a.pcap"), self.path("same.pcap"))
        self.refuse("has no port 'nic'", "--out", "nic=x.pcap")
        self.refuse("is not PORT=FILE", "--out", "wan")
        self.refuse("No such file", "--in", "wan=missing.pcap")
        self.refuse("Is a directory", "--in", "wan=folder")
        self.refuse("Is a directory", "--out", "wan=folder")
        self.refuse("No such file", "--out", "wan=missing/x.pcap")
        self.refuse("--out wan is given twice", "--out", "wan=x.pcap", "--out", "wan=y.pcap")
        self.refuse("--in lan is given twice", "--in", "lan=b.pcap")
        self.refuse("would overwrite the configuration", "--out", "wan=./chain.yaml")
        self.refuse("exclude each other", "--lockstep", "--speed", "2")
        self.refuse("the output of port 'wan' goes there too", "--out", "wan=x.pcap", "core=./x.pcap")
        self.refuse("would overwrite the input of port 'lan'", "--out", "wan=a.pcap")
        self.refuse("would overwrite the input of port 'lan'", "--out", "wan=same.pcap")
        self.refuse("is not auto, kvm or process", "--runtime", "qemu")

    def test_numbers_out_of_bounds_are_refused(self):
        for speed in "0", "-1", "fast", "nan", "inf", "", "1x", "1000001":
            self.refuse("is neither max nor a number above 0", "--speed", speed)
        for loop in "0", "-1", "x", "", "4294967296", " 1":
            self.refuse("is not a number of 1..4294967295", "--loop", loop)
        for burst in "0", "65", "99999999999999999999":
            self.refuse("is not a burst of 1..64", "--lockstep", burst)
        self.refuse("is not a burst of 1..64", "--lockstep=x")

    def test_arguments_reach_the_dataplane(self):
        scenario = "say('note', text=repr((args.config, args.node, args.inputs, args.outputs, args.runtime," \
                   "args.lockstep, args.speed, args.loop)))\nreport()"
        done = self.replay("wan=b.pcap", "--out", "lan=l.pcap", "core=c.pcap", "--runtime", "process",
                           "--lockstep", "8", "--speed", "max", "--loop", "3", scenario=scenario, code=0)
        self.assertIn("('chain.yaml', 'edge-1', ['lan=a.pcap', 'wan=b.pcap'], ['lan=l.pcap', 'core=c.pcap'], "
                      "'process', '8', 'max', '3')", done.err)
        done = self.replay("--speed", "1.5", scenario=scenario, code=0)
        self.assertIn("[], None, None, '1.5', None)", done.err)
        done = self.replay("--lockstep", scenario=scenario, code=0)
        self.assertIn("[], None, '1', None, None)", done.err)

    def test_a_port_may_be_input_and_output(self):
        self.replay("--out", "lan=l.pcap", code=0)


class Replay(Command):
    def test_json_is_the_report_and_nothing_else(self):
        done = self.replay("--json", scenario="print('noise of EAL')\n" + GOOD, code=0)
        report = json.loads(done.out)
        self.assertEqual(done.out.count("\n"), 1)
        self.assertEqual(list(report), ["ledger", "paths", "instances"])
        self.assertEqual(report["ledger"]["received"], 1234567)
        self.assertIn("no hugepages", done.err)
        self.assertIn("noise of EAL", done.err)

    def test_text_for_people_is_the_golden_one(self):
        done = self.replay("--out", "core=core.pcap", "wan=my wan.pcap", scenario=GOOD, code=0)
        with open(os.path.join(HERE, "replay.txt"), encoding="utf-8") as f:
            self.assertEqual(done.out, f.read())
        self.assertNotIn("\033", done.out + done.err)
        self.assertEqual(done.err, "no hugepages: ordinary memory is used\n")

    def test_lines_are_drawn_where_the_locale_knows_them(self):
        done = self.replay(scenario=GOOD, env=self.environment("C.UTF-8"), code=0)
        self.assertIn("│ fw-1 (kvm, 4.1 ms) │", done.out)
        self.assertLessEqual(max(map(len, done.out.splitlines())), 100)

    def test_long_names_and_big_numbers_fit_the_page(self):
        name = "n" * 63
        with open(self.path("chain.yaml"), encoding="utf-8") as f:
            text = f.read()
        for short in "fw-1", "mon-1", "fw", "web":
            text = re.sub(r"\b%s\b(?![-:])" % short, short + name[len(short):], text)
        with open(self.path("chain.yaml"), "w", encoding="utf-8") as f:
            f.write(text)
        scenario = """
name = lambda short: short + "n" * (63 - len(short))
big = 2**63 - 1
say("report", report={
    "ledger": {"balanced": True, "received": big, "sent": 0, "originated": 0, "replicated": 0, "in_flight": 0,
               "dropped": {"sf-consumed": big}},
    "paths": [{"name": name("web"), "spi": 100, "in": big, "out": big}],
    "instances": [{"name": name("fw-1"), "runtime": "process", "boot_us": 59990000, "rx": big, "tx": big,
                   "metrics": {"m" * 63: big}}]},
    hops=[{"path": name("web"), "hop": 255, "function": name("fw"), "si": 255, "in": big, "out": big}],
    consumed=[{"instance": name("fw-1"), "counter": "m" * 63, "frames": big}],
    rates={"seconds": 1e9, "frames_per_second": 1e14, "bits_per_second": 1e18})"""
        for locale in "C", "C.UTF-8":
            done = self.replay(scenario=scenario, env=self.environment(locale), code=0)
            self.assertLessEqual(max(map(len, done.out.splitlines())), 100, done.out)
            self.assertEqual(done.out.count("9,223,372,036,854,775,807"), 12, done.out)
            self.assertIn("fw-1n.. (process, 59.99 s)", done.out)

    def test_progress_is_shown_on_a_terminal_only(self):
        master, slave = pty.openpty()
        process = self.start("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", "--json",
                             scenario=GOOD, stderr=slave)
        os.close(slave)
        out = process.communicate(timeout=60)[0]
        seen = b""
        try:
            while chunk := os.read(master, 65536):
                seen += chunk
        except OSError:
            pass
        os.close(master)
        text = seen.decode()
        self.assertIn("starting instances: 2 of 2, mon-1 is up", text)
        self.assertIn("###############............... ", text)
        self.assertIn("50 %  700,000 frames", text)
        self.assertIn("\r\033[Kno hugepages: ordinary memory is used", text)
        json.loads(out)

    def test_exit_codes_pass_through(self):
        for code in range(5):
            self.replay(scenario="report()\nsys.exit(%d)" % code, code=code)
        self.replay(scenario="report()\nsys.exit(77)", code=1)
        self.replay(scenario="say('error', text='spi is wrong')\nsys.exit(2)", code=2)

    def test_books_that_do_not_balance_are_not_taken_at_their_word(self):
        done = self.replay(scenario="report(sent=1)", code=3)
        self.assertIn("NOT BALANCED: 3 received is not 1 sent + 1 dropped", done.out)
        self.replay("--json", scenario="report(balanced=False)", code=3)

    def test_an_error_is_told_to_people_and_to_scripts(self):
        scenario = "say('error', text='image \\'firewall\\' not found')\nsys.exit(1)"
        done = self.replay("--json", scenario=scenario, code=1)
        self.assertEqual(json.loads(done.out), {"error": "image 'firewall' not found"})
        self.assertEqual(done.err, "sluice: image 'firewall' not found\n")

    def test_a_file_the_dataplane_refuses_is_an_errors_document(self):
        scenario = "say('error', text='rule web: too many')\nsys.exit(2)"
        done = self.replay("--json", scenario=scenario, code=2)
        self.assertEqual(json.loads(done.out), {"errors": [
            {"file": "chain.yaml", "line": 0, "column": 0, "path": "", "reason": "rule web: too many"}]})

    def test_a_report_beside_an_error_is_still_printed(self):
        scenario = "say('error', text='a.pcap: frame 7 is cut short')\nreport()\nsys.exit(1)"
        done = self.replay("--json", scenario=scenario, code=1)
        self.assertEqual(json.loads(done.out)["ledger"]["sent"], 2)
        self.assertIn("frame 7", done.err)

    def test_death_without_a_report_is_told(self):
        for scenario, message in (("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (Killed)"),
                                  ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
                                  ("sys.exit(0)", "without a report, exit code 0"),
                                  ("sys.exit(3)", "without a report, exit code 3"),
                                  ("os.close(args.report_fd)\ntime.sleep(0.2)", "without a report")):
            with self.subTest(scenario=scenario):
                done = self.replay("--json", scenario=scenario, code=1)
                self.assertIn(message, json.loads(done.out)["error"])
                self.assertIn(message, done.err)

    def test_death_after_the_report_is_a_failure_too(self):
        done = self.replay("--json", scenario="report()\nos.kill(os.getpid(), signal.SIGKILL)", code=1)
        self.assertEqual(json.loads(done.out)["ledger"]["received"], 3)
        self.assertIn("killed by signal 9", done.err)

    def test_lines_that_are_no_events_do_no_harm(self):
        for line in (rb"{not json", rb"\x00\xff", rb"[]", rb'"x"', rb"{}", rb'{"event":5}',
                     rb'{"event":"report"}', rb'{"event":"report","report":[]}', rb'{"event":"vm"}',
                     rb'{"event":"progress","frames":-1,"bytes":"x"}'):
            with self.subTest(line=line):
                self.replay("--json", scenario="raw(%r)\nraw(b'\\n')\nreport()" % line, code=0)
                self.replay("--json", scenario="raw(%r)\n" % line, code=1)

    def test_terminal_codes_in_foreign_text_are_not_passed_on(self):
        done = self.replay(scenario=r"say('note', text='\033[2Jgone\n')" + "\nreport()", code=0)
        self.assertIn("?[2Jgone?\n", done.err)

    def test_a_big_report_arrives_whole(self):
        scenario = "report(extra='x' * 3000000)\nreport(received=9, sent=9, dropped={})"
        done = self.replay("--json", scenario=scenario, code=0)
        self.assertEqual(json.loads(done.out)["ledger"]["received"], 9)

    def test_no_dataplane_beside_it_is_said(self):
        os.unlink(self.path("sff"))
        done = self.replay("--json", code=1)
        self.assertRegex(json.loads(done.out)["error"], r"cannot start .*/sff: No such file")


class Ends(Command):
    """How a replay ends early, and what it leaves."""

    WAITING = """
import select
open(os.path.join(args.run_dir, 'socket'), 'w').close()
os.mkdir(os.path.join(args.run_dir, 'eal'))
def told(number, frame):
    report(received=number, sent=number, dropped={})
    sys.exit(0)
signal.signal(signal.SIGINT, told)
signal.signal(signal.SIGTERM, told)
open(os.path.join(here, 'ready'), 'w').write(str(os.getpid()))
"""

    def begin(self, more="select.select([args.report_fd], [], [], 30)"):
        process = self.start("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", "--json",
                             scenario=self.WAITING + more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        ready = self.path("ready")
        self.wait_for(lambda: os.path.exists(ready) and os.path.getsize(ready) > 0)
        with open(ready, encoding="utf-8") as f:
            self.sff = int(f.read())
        return process

    def test_interrupts_are_passed_on_and_the_books_so_far_printed(self):
        for number in signal.SIGINT, signal.SIGTERM:
            process = self.begin()
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(json.loads(out)["ledger"]["received"], number)
            self.assertEqual(self.run_dirs(), [])
            os.unlink(self.path("ready"))

    def test_an_interrupt_before_there_are_books_is_told_from_a_failure(self):
        process = self.begin("signal.signal(signal.SIGINT, lambda *_: os._exit(1))\n"
                             "open(os.path.join(here, 'early'), 'w').close()\ntime.sleep(30)")
        self.wait_for(lambda: os.path.exists(self.path("early")))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted before", json.loads(out)["error"])

    def test_the_dataplane_is_in_a_process_group_of_its_own(self):
        process = self.begin()
        self.assertEqual(os.getpgid(self.sff), self.sff)
        self.assertNotEqual(os.getpgid(process.pid), self.sff)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    def test_a_dataplane_that_does_not_listen_is_killed_at_the_third_interrupt(self):
        process = self.begin("signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                             "open(os.path.join(here, 'deaf'), 'w').close()\ntime.sleep(30)")
        self.wait_for(lambda: os.path.exists(self.path("deaf")))
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn("killed by signal 9", json.loads(out)["error"])
        self.assertEqual(self.run_dirs(), [])

    def test_the_runtime_directory_goes_when_the_dataplane_is_killed(self):
        process = self.begin()
        (run_dir,) = self.run_dirs()
        self.assertEqual(os.stat(run_dir).st_mode & 0o777, 0o700)
        self.assertTrue(os.path.isdir(os.path.join(run_dir, "eal")))
        os.kill(self.sff, signal.SIGKILL)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.run_dirs(), [])

    def test_children_of_a_killed_dataplane_die_with_it(self):
        process = self.begin("if (child := os.fork()) == 0:\n    time.sleep(30)\n    os._exit(0)\n"
                             "open(os.path.join(here, 'child'), 'w').write(str(child))\ntime.sleep(30)")
        child = self.path("child")
        self.wait_for(lambda: os.path.exists(child) and os.path.getsize(child) > 0)
        with open(child, encoding="utf-8") as f:
            pid = int(f.read())
        os.kill(self.sff, signal.SIGKILL)
        process.communicate(timeout=20)

        def dead():
            try:
                with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
                    return f.read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                return True

        self.wait_for(dead)

    def test_what_the_dead_left_is_swept_and_the_living_are_left_alone(self):
        process = self.begin("select.select([args.report_fd], [], [], 30)\nsys.exit(1)")
        (living,) = self.run_dirs()
        stale = os.path.join(self.runtime, "sluice-replay-stale1")
        young = os.path.join(self.runtime, "sluice-replay-young1")
        other = os.path.join(self.runtime, "someone-else")
        for d in stale, young, other:
            os.mkdir(d)
        open(os.path.join(stale, "lock"), "w").close()
        open(os.path.join(stale, "socket"), "w").close()
        self.run_sluice("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", code=0)
        self.assertEqual(sorted(self.run_dirs()), sorted([living, young, other]))
        # Killed, the command leaves its directory to the dataplane, which holds the lock on.
        process.kill()
        process.wait()
        self.assertRaises(ProcessLookupError, lambda: [os.kill(self.sff, 0) or time.sleep(0.01)
                                                       for _ in range(2000)])
        self.run_sluice("replay", "chain.yaml", "--node", "edge-1", "--in", "lan=a.pcap", code=0)
        self.assertEqual(sorted(self.run_dirs()), sorted([young, other]))

    def test_the_dataplane_holds_the_lock_too(self):
        process = self.begin("time.sleep(30)")
        (run_dir,) = self.run_dirs()
        process.kill()
        process.wait()
        with open(os.path.join(run_dir, "lock"), "r+", encoding="utf-8") as lock:
            self.assertRaises(BlockingIOError, fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.kill(self.sff, signal.SIGKILL)

            def free():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                except BlockingIOError:
                    return False

            self.wait_for(free)


if __name__ == "__main__":
    unittest.main()
