"""Peers of the SFF on the same machine at the same time: what a packet costs them. bench/compare ovs; see there.

Every side gets the same frames from net_pcap infinite_rx and sends to net_null, on one polling thread pinned to the
last CPU. All are up at once and stopped but for one: they take turns in windows of a fraction of a second. A window's
result is CPU time of the polling thread (so time when it was preempted does not count) by the packets that reached
net_null in it.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import peer_frames

ROOT = pathlib.Path(__file__).resolve().parent.parent
VSWITCHD = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
MEMORY = 256  # MiB of hugepages for each forwarder; the switch takes twice that
MEMORY_TESTPMD = 128
START_SECONDS = 20
SETTLE_SECONDS = 0.05
OWN_SECONDS = 0.5
SINK = "net_null0"


class Failed(Exception):
    """A side did not start, or does not do its job."""


def cpus():
    """(for control, for the polling thread)"""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Failed("two CPUs are needed, there is one")
    return allowed[0], allowed[-1]


class Side:
    """A program under DPDK that polls; its EAL keeps its files in `work`."""

    def __init__(self, name, work):
        self.name = name
        self.work = work / name
        self.work.mkdir()
        self.process = self.telemetry = self.sink = None

    def spawn(self, command, **more):
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(self.work), "XDG_RUNTIME_DIR": str(self.work), **more}
        with open(self.work / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
            )

    def wait_for(self, what, found):
        end = time.monotonic() + START_SECONDS
        while True:
            result = found()
            if result:
                return result
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"{self.name}: no {what} within {START_SECONDS} s: {self.said()}")
            time.sleep(0.02)

    def said(self):
        return (self.work / "log").read_text(errors="replace")[-1500:]

    def connect(self):
        """To DPDK's telemetry, once there is a sink."""
        path = self.wait_for("telemetry", lambda: next(self.work.rglob("dpdk_telemetry.v2"), None))
        self.telemetry = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.telemetry.settimeout(START_SECONDS)
        self.wait_for("answer of telemetry", lambda: self.telemetry.connect_ex(str(path)) == 0)
        self.telemetry.recv(1 << 14)
        self.sink = self.wait_for(SINK, self.find_sink)

    def find_sink(self):
        for port in self.ask("/ethdev/list"):
            if self.ask(f"/ethdev/info,{port}")["name"] == SINK:
                return str(port)
        return None

    def ask(self, command):
        self.telemetry.send(command.encode())
        return json.loads(self.telemetry.recv(1 << 16))[command.split(",")[0]]

    def packets(self):
        return self.ask(f"/ethdev/stats,{self.sink}")["opackets"]

    def cpu_times(self):
        """Nanoseconds that each thread has run."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            found[task.name] = int((task / "schedstat").read_text().split()[0])
        return found

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def window(self, seconds, tsc_ghz):
        """TSC cycles per packet of one turn."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLE_SECONDS)
        before, packets = self.cpu_times(), self.packets()
        time.sleep(seconds)
        after, packets = self.cpu_times(), self.packets() - packets
        self.pause()
        if packets == 0:
            raise Failed(f"{self.name}: nothing reaches its sink: {self.said()}")
        return max(after[task] - before.get(task, 0) for task in after) * tsc_ghz / packets

    def stop(self):
        if self.telemetry is not None:
            self.telemetry.close()
            self.telemetry = None
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


class Testpmd(Side):
    """dpdk-testpmd, forwarding without looking (io) or with MAC addresses exchanged (mac): the floor of the machinery."""

    def __init__(self, mode, work):
        super().__init__(mode, work)
        self.mode = mode

    def start(self, source):
        control, worker = cpus()
        eal = ["-l", f"{control},{worker}", "--main-lcore", control, "--no-pci", "--in-memory", "-m", MEMORY_TESTPMD]
        eal += [f"--file-prefix={self.name}", f"--vdev=net_pcap0,{source}", f"--vdev={SINK},no-rx=1"]
        self.spawn(["dpdk-testpmd", *eal, "--", f"--forward-mode={self.mode}", "--nb-cores=1", "--total-num-mbufs=32768"])
        self.connect()


class Sff(Side):
    """Ours: the path's first function is down and bypassed (SI - 1), the second is on the next node."""

    def __init__(self, work, build):
        super().__init__("sff", work)
        self.build = build

    def domain(self, source, sink):
        f = peer_frames

        def at(where, **more):
            return {"transport": "vxlan-gpe", "address": where, "vni": f.VNI, **more}

        return {
            "sfc": {
                "node": [
                    {
                        "name": "here",
                        "dataplane": {"memory": MEMORY},
                        "port": [
                            {"name": "in", "device": source, "role": "transport", "mac": f.HERE_MAC},
                            {"name": "out", "device": sink, "role": "transport", "address": f"{f.HERE_OUT}/24"},
                        ],
                        "locator": [at(f.HERE_IN, port="in"), at(f.HERE_OUT, port="out")],
                    },
                    {"name": "before", "locator": at(f.BEFORE, mac=f.BEFORE_MAC)},
                    {
                        "name": "next",
                        "port": [{"name": "end", "device": "none", "role": "access"}],
                        "locator": at(f.NEXT, mac=f.NEXT_MAC),
                    },
                ],
                "function": [
                    {
                        "name": "down",
                        "on-failure": "bypass",
                        "instance": [{"name": "down-1", "node": "next", "admin": "down", "vm": {"image": "none"}}],
                    },
                    {"name": "far", "instance": [{"name": "far-1", "node": "next", "vm": {"image": "none"}}]},
                ],
                "path": [{"name": "path", "spi": f.SPI, "hops": ["down", "far"], "egress": "end"}],
            }
        }

    def run(self, source, sink):
        config = self.work / "domain.yaml"
        config.write_text(json.dumps(self.domain(f"net_pcap0,{source}", sink)))
        self.spawn([self.build / "bin" / "sff", "--config", config, "--node", "here"])

    def start(self, source):
        self.run(source, f"{SINK},no-rx=1")
        self.connect()

    def verify(self, flows, capture):
        out = self.work / "out.pcap"
        self.run(f"rx_pcap={capture}", f"net_pcap1,tx_pcap={out}")
        check(self, out, flows)


def check(side, out, flows):
    """Wait for what side writes; is the last round of it right? A switch loses what comes before it is ready."""
    size = 24 + max(flows, peer_frames.FEWEST) * (16 + peer_frames.SIZE)

    def written():
        before = out.stat().st_size if out.exists() else 0
        time.sleep(0.3)
        return before >= size and out.stat().st_size == before

    side.wait_for("whole capture", written)
    side.stop()
    why = peer_frames.wrong(peer_frames.last(out, flows), flows)
    if why is not None:
        raise Failed(f"{side.name}: {why}")


class Switch(Side):
    """Open vSwitch with its userspace datapath on DPDK, in a network namespace of its own."""

    def __init__(self, work):
        super().__init__("ovs", work)
        self.net = f"peer-{os.getpid()}"
        self.database = None

    def call(self, *words, check_code=True):
        environment = {**os.environ, "OVS_RUNDIR": str(self.work)}
        done = subprocess.run(
            [str(word) for word in words], env=environment, text=True, capture_output=True, timeout=30, check=False
        )
        if check_code and done.returncode:
            raise Failed(f"{' '.join(str(word) for word in words)}: {done.stderr.strip()} {self.said()}")
        return done.stdout

    def inside(self, *words):
        return ["ip", "netns", "exec", self.net, *words]

    def vsctl(self, *words):
        return self.call("ovs-vsctl", f"--db=unix:{self.work}/db", "--retry", "--timeout=25", *words)

    def appctl(self, *words):
        return self.call("ovs-appctl", "-t", self.work / "ctl", *words)

    def launch(self, source, sink):
        control, worker = cpus()
        self.call("ip", "netns", "add", self.net)
        (self.work / "log").touch()
        self.call("ovsdb-tool", "create", self.work / "conf.db", SCHEMA)
        remote = [f"--remote=punix:{self.work}/db", f"--unixctl={self.work}/db.ctl"]
        self.database = subprocess.Popen(
            self.inside("ovsdb-server", f"{self.work}/conf.db", *remote),
            env={**os.environ, "OVS_RUNDIR": str(self.work)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        # It would take whatever there is, for buffers.
        config = ["dpdk-init=true", f"dpdk-socket-mem={2 * MEMORY}", f"dpdk-socket-limit={2 * MEMORY}", f"dpdk-lcore-mask={1 << control:#x}"]
        config += [f"pmd-cpu-mask={1 << worker:#x}", "dpdk-extra=--no-pci --in-memory --file-prefix=ovs"]
        # Flows stay while others have their turn.
        config += ["max-idle=3600000"]
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *[f"other_config:{word}" for word in config])
        self.spawn(self.inside(VSWITCHD, f"unix:{self.work}/db", f"--unixctl={self.work}/ctl"), OVS_RUNDIR=str(self.work))
        self.bridges()
        self.ports(source, sink)

    def bridges(self):
        f = peer_frames
        for bridge, where in (("br-in", f.HERE_IN), ("br-out", f.HERE_OUT), ("br-sff", None)):
            words = ["datapath_type=netdev", f'other-config:hwaddr="{f.HERE_MAC}"'] if where else ["datapath_type=netdev"]
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, *words)
            if where:
                self.call("ip", "-n", self.net, "addr", "add", f"{where}/24", "dev", bridge)
                self.call("ip", "-n", self.net, "link", "set", bridge, "up")
        for number, remote in ((1, f.BEFORE), (2, f.NEXT)):
            words = ["type=vxlan", f"options:remote_ip={remote}", f"options:key={f.VNI}", "options:dst_port=4790"]
            words += ["options:exts=gpe", "options:packet_type=ptap", f"ofport_request={number}"]
            self.vsctl("add-port", "br-sff", f"tun{number}", "--", "set", "interface", f"tun{number}", *words)
        management = f"unix:{self.work}/br-sff.mgmt"
        self.call("ovs-ofctl", "-O", "OpenFlow15", "del-flows", management)
        flow = f"in_port=1,packet_type=(1,0x894f),nsh_spi={f.SPI},nsh_si={f.SI},"
        flow += f"actions=dec_nsh_ttl,set_field:{f.SI - 1}->nsh_si,output:2"
        self.call("ovs-ofctl", "-O", "OpenFlow15", "add-flow", management, flow)
        self.appctl("tnl/neigh/set", "br-out", f.NEXT, f.NEXT_MAC)

    def ports(self, source, sink):
        """The sink first: the source plays at once."""
        for bridge, name, device in (("br-out", "sink", sink), ("br-in", "source", f"net_pcap0,{source}")):
            words = ["type=dpdk", f'options:dpdk-devargs="{device}"', "options:n_rxq_desc=1024"]
            self.vsctl("add-port", bridge, name, "--", "set", "interface", name, *words)

    def start(self, source):
        self.launch(source, f"{SINK},no-rx=1")
        self.connect()

    def verify(self, flows, capture):
        out = self.work / "out.pcap"
        self.launch(f"rx_pcap={capture}", f"net_pcap1,tx_pcap={out}")
        check(self, out, flows)

    def resume_and_count(self):
        """What the switch itself says a packet costs, source and sink included: in a turn of its own, for it counts
        while it is stopped."""
        self.process.send_signal(signal.SIGCONT)
        self.appctl("dpif-netdev/pmd-stats-clear")
        time.sleep(OWN_SECONDS)
        for line in self.appctl("dpif-netdev/pmd-stats-show").splitlines():
            if "avg processing cycles per packet" in line:
                return float(line.split(":")[1].split()[0])
        return None

    def stop(self):
        super().stop()
        if self.database is not None:
            self.database.terminate()
            self.database.wait()
            self.database = None
        self.call("ip", "netns", "del", self.net, check_code=False)
        for path in self.work.iterdir():
            if path.suffix in (".db", ".ctl", ".mgmt") or path.name in ("db", "ctl"):
                path.unlink()
