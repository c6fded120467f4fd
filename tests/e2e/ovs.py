#!/usr/bin/python3
"""Open vSwitch in user space as the SFF in the middle: what Linux hosts say to each other goes through it, both ways."""

import os

import e2e
import wires
from e2e import equal

CHAIN = ("client", "edge-1", "switch", "edge-2", "server")
PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "curl", "ethtool")
PAGE_SIZE = 300_000
# How either side of the switch is joined to it: the locator's leaves, and the switch's words for the same.
GPE = (
    {"transport": "vxlan-gpe", "vni": 100},
    ["type=vxlan", "options:key=100", "options:dst_port=4790", "options:exts=gpe", "options:packet_type=ptap"],
)
# Its Geneve ports know nothing but Ethernet inside.
GENEVE = ({"transport": "geneve", "vni": 7, "inner-ethernet": True}, ["type=geneve", "options:key=7"])
GRE = ({"transport": "gre", "key": 4000000000}, ["type=gre", "options:key=4000000000", "options:packet_type=ptap"])
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def links():
    yield "client", "eth0", "edge-1", "lan0", 1500
    yield "edge-1", "core0", "switch", "left0", 1800
    yield "switch", "right0", "edge-2", "core0", 1800
    yield "edge-2", "wan0", "server", "eth0", 1500


class Switch:
    """A switch daemon of our own in the namespace of the middle, with its database; ended by pid."""

    def __init__(self, net, work, sides):
        self.net = net
        self.sides = sides
        self.dir = work / "ovs"
        self.running = []

    def call(self, program, *words, code=0):
        environment = {**os.environ, "OVS_RUNDIR": str(self.dir)}
        return e2e.run(self.net.work, self.net.inside("switch", program, *words), code=code, env=environment)

    def vsctl(self, *words):
        return self.call("ovs-vsctl", f"--db=unix:{self.dir}/db.sock", "--retry", "--timeout=30", *words)

    def start(self, *words):
        command = [str(word) for word in self.net.inside("switch", *words)]
        environment = {**os.environ, "OVS_RUNDIR": str(self.dir)}
        quiet = {"stdout": e2e.subprocess.DEVNULL, "stderr": e2e.subprocess.DEVNULL}
        self.running.append(e2e.subprocess.Popen(command, env=environment, **quiet))

    def __enter__(self):
        self.dir.mkdir()
        try:
            self.call("ovsdb-tool", "create", self.dir / "conf.db", SCHEMA)
            self.start("ovsdb-server", self.dir / "conf.db", f"--remote=punix:{self.dir}/db.sock", f"--unixctl={self.dir}/db.ctl")
            e2e.wait_for((self.dir / "db.sock").exists, 10, "no database of the switch")
            self.vsctl("--no-wait", "init")
            self.start("ovs-vswitchd", f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/vswitchd.ctl")
            self.configure()
        except BaseException:
            self.__exit__()
            raise
        return self

    def configure(self):
        for number, side in ((1, "left"), (2, "right")):
            bridge = f"br-{side}"
            self.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev")
            self.vsctl("add-port", bridge, f"{side}0")
            self.net.ip("-n", self.net.names["switch"], "addr", "add", f"10.99.{number}.254/24", "dev", bridge)
            self.net.ip("-n", self.net.names["switch"], "link", "set", bridge, "up")
        self.vsctl("add-br", "br-sff", "--", "set", "bridge", "br-sff", "datapath_type=netdev")
        for number, (_, words) in enumerate(self.sides, 1):
            words = [*words, f"options:remote_ip=10.99.{number}.1", f"ofport_request={number}"]
            self.vsctl("add-port", "br-sff", f"tun{number}", "--", "set", "interface", f"tun{number}", *words)
        self.call("ovs-ofctl", "-O", "OpenFlow15", "del-flows", f"unix:{self.dir}/br-sff.mgmt")
        for enter, leave, spi in ((1, 2, 100), (2, 1, 101)):
            ethernet = [self.sides[port - 1] is GENEVE for port in (enter, leave)]
            flow = f"in_port={enter}," + ("dl_type=0x894f" if ethernet[0] else "packet_type=(1,0x894f)")
            # It decrements neither by itself; its TTL 0 and 1 both expire (RFC: 0 is 63), which does not matter here.
            flow += f",nsh_spi={spi},nsh_si=255,actions=" + "decap()," * ethernet[0]
            flow += "dec_nsh_ttl,set_field:254->nsh_si," + "encap(ethernet)," * ethernet[1] + f"output:{leave}"
            self.call("ovs-ofctl", "-O", "OpenFlow15", "add-flow", f"unix:{self.dir}/br-sff.mgmt", flow)

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(5)
            except e2e.subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def node(number, access, locator):
    core = {
        "name": "core",
        "device": "net_af_packet0,iface=core0",
        "role": "transport",
        "mtu": 1800,
        "address": f"10.99.{number}.1/24",
        "gateway": f"10.99.{number}.254",
    }
    return {
        "name": f"edge-{number}-{os.getpid()}",
        "port": [{"name": access, "device": f"net_af_packet1,iface={access}0", "role": "access"}, core],
        "locator": {**locator, "address": f"10.99.{number}.1"},
    }


def domain(sides):
    """Node `switch` has an address in either network; each end sends to the one that is nearer."""
    locators = [locator for locator, _ in sides]
    nodes = [node(1, "lan", locators[0]), node(2, "wan", locators[1])]
    near = [{**locator, "address": f"10.99.{number}.254"} for number, locator in enumerate(locators, 1)]
    return [
        {
            "sfc": {
                "node": [*nodes, {"name": "switch", "locator": [near[end], near[1 - end]]}],
                "function": [{"name": "middle", "instance": [e2e.vm("middle-1", "switch", "none")]}],
                "path": [
                    {"name": "out", "spi": 100, "hops": ["middle"], "egress": "wan"},
                    {"name": "back", "spi": 101, "hops": ["middle"], "egress": "lan"},
                ],
                "rule": [
                    {"name": "out", "match": {"port": "lan"}, "action": {"path": "out"}},
                    {"name": "back", "match": {"port": "wan"}, "action": {"path": "back"}},
                ],
            }
        }
        for end in (0, 1)
    ]


def fetch(net, work):
    """A file from the server by HTTP, over IPv4 and IPv6; TCP fills frames up to the MTU."""
    page = os.urandom(PAGE_SIZE)
    (work / "www").mkdir()
    (work / "www" / "page").write_bytes(page)
    words = ["/usr/bin/python3", "-m", "http.server", "--bind", "::", "--directory", work / "www", "80"]
    server = e2e.start(work, net.inside("server", *words))
    try:
        for address in (wires.SERVER, f"[{wires.SERVER6}]"):
            got = work / "got"
            words = ["curl", "-sS", "--max-time", "60", "--retry", "30", "--retry-delay", "1", "--retry-connrefused"]
            e2e.run(work, net.inside("client", *words, "-o", got, f"http://{address}/page"))
            e2e.check(got.read_bytes() == page, f"the page from {address} is not what the server has")
    finally:
        server.terminate()
        server.communicate()


def run_switch(work, *sides):
    e2e.need_root("network namespaces")
    for program in PROGRAMS:
        if e2e.shutil.which(program) is None:
            raise e2e.Skip(f"no {program}: ./dev setup installs it")
    configs = [e2e.write_domain(work, one, f"end-{end}.yaml") for end, one in enumerate(domain(sides))]
    ends = [("edge-1", configs[0], f"edge-1-{os.getpid()}"), ("edge-2", configs[1], f"edge-2-{os.getpid()}")]
    with wires.Wires(work, CHAIN, links()) as net, Switch(net, work, sides):
        with wires.live(net, ends) as reports:
            for place, address in (
                ("client", wires.SERVER),
                ("server", wires.CLIENT),
                ("client", wires.SERVER6),
                ("server", wires.CLIENT6),
            ):
                # The switch drops what comes while it looks for its next hop.
                answers = wires.ping(net, place, address)
                e2e.check(len(answers) >= 5, f"{len(answers)} answers from {address} to the {place} through the switch")
            fetch(net, work)
        for _, _, name in ends:
            ledger = reports[name].get("ledger", reports[name])
            e2e.check_ledger(ledger)
            equal([why for why in ledger["dropped"] if why not in ("underlay", "not-nsh")], [], f"drops of {name}")
    e2e.shutil.rmtree(work / "run" / "sluice", ignore_errors=True)


def test_open_vswitch_forwards_between_two_nodes(work):
    run_switch(work, GPE, GPE)


def test_open_vswitch_takes_geneve_with_ethernet_inside_and_gre_with_a_key(work):
    run_switch(work, GENEVE, GRE)


e2e.main()
