#!/usr/bin/python3
"""What the machine lacks, or the command line gets wrong: one clear line, exit 1, nothing left behind."""

import os
import resource
import socket
import struct

import e2e
from e2e import BIN, PCAPS, equal

DNS = PCAPS / "dns.pcap"
# Codes of the runner itself.
HV_USAGE, HV_IMAGE, HV_KVM, HV_MEMORY, HV_SOCKET = range(70, 75)
FIREWALL = e2e.BUILD / "lib" / "sluice" / "vnf" / "firewall"


def refuse(work, config, *words, code=1, naming=(), command=None, lines=1, **more):
    """A replay that fails with one line (or one for each VM), which names these words; the same with --json."""
    command = command or e2e.replay_words(config, *words)
    done = e2e.run(work, command, code=code, **more)
    equal(len(e2e.messages(done.stderr)), lines, f"lines of {done.stderr!r}")
    for word in naming:
        e2e.check(word in done.stderr, f"'{word}' is not in {done.stderr!r}")
    as_json = e2e.run(work, [*command, "--json"], code=code, **more)
    e2e.check("error" in e2e.one_document(as_json.stdout) or "ledger" in as_json.stdout, as_json.stdout)
    return done


def domain(work, **more):
    """One node; `more` goes into the VM of the firewall."""
    tree = e2e.one_node()
    tree["sfc"]["function"][0]["instance"][0]["vm"].update(more)
    return e2e.write_domain(work, tree)


def test_wrong_words_on_the_command_line(work):
    config = domain(work)
    for words in (
        ["replay"],
        ["replay", config],
        ["replay", config, "--in", "lan"],
        ["replay", config, "--in", f"lon={DNS}"],
        ["replay", config, "--in", f"lan={DNS}", "--lockstep", "65"],
        ["replay", config, "--in", f"lan={DNS}", "--speed", "-1"],
        ["replay", config, "--in", f"lan={DNS}", "--loop", "0"],
        ["replay", config, "--in", f"lan={DNS}", "--runtime", "xen"],
        ["replay", config, "--in", f"lan={DNS}", "--node", "nowhere"],
        ["replay", config, "--in", f"lan={DNS}", "--colour"],
        ["replay", work / "absent.yaml", "--in", f"lan={DNS}"],
        ["fly"],
    ):
        done = e2e.sluice(work, *words, code=1)
        equal(len(e2e.messages(done.stderr)), 1, f"lines for {words}: {done.stderr!r}")


def test_a_configuration_that_cannot_be_read(work):
    (work / "folder.yaml").mkdir()
    for file in ("absent.yaml", "folder.yaml"):
        for words in (["sluice", "check"], ["sff", "--config"]):
            done = e2e.run(work, [BIN / words[0], *words[1:], work / file], code=1)
            (line,) = e2e.messages(done.stderr)
            e2e.check(f"{file}: cannot read" in line, line)


def test_help_says_how(work):
    for words in ([BIN / "sluice"], [BIN / "sluice", "check"], [BIN / "sluice", "replay"], [BIN / "sff"], [BIN / "hv"]):
        e2e.check("xample" in e2e.run(work, [*words, "--help"]).stdout, f"no example in the help of {words}")


def test_a_capture_that_is_not_there(work):
    refuse(work, domain(work), "--in", f"lan={work}/absent.pcap", naming=["absent.pcap", "No such file"])


def test_a_capture_that_is_a_directory(work):
    refuse(work, domain(work), "--in", f"lan={work}", naming=[str(work)])


def test_a_capture_that_is_a_pipe(work):
    os.mkfifo(work / "pipe.pcap")
    refuse(work, domain(work), "--in", f"lan={work}/pipe.pcap", naming=["pipe.pcap: is no file but a pipe"])
    refuse(work, domain(work), "--in", f"lan={DNS}", "--out", f"wan={work}/pipe.pcap", naming=["that nobody reads"])


def test_a_capture_that_is_none(work):
    (work / "words.pcap").write_text("these are words, not frames\n" * 10)
    refuse(work, domain(work), "--in", f"lan={work}/words.pcap", naming=["words.pcap"])


def test_a_capture_that_is_not_ethernet(work):
    refuse(work, domain(work), "--in", f"lan={PCAPS}/edge/format-raw-ip.pcap", naming=["format-raw-ip.pcap"])


def test_a_damaged_capture_is_told_whatever_bytes_its_name_has(work):
    cut = work / os.fsdecode(b"cut-\xff.pcap")
    cut.write_bytes(DNS.read_bytes()[:-7])
    done = e2e.run(work, [*e2e.replay_words(domain(work), "--in", f"lan={cut}"), "--json"], code=1)
    e2e.check("cut-" in done.stderr and "frame " in done.stderr, f"message: {done.stderr!r}")
    e2e.check_report(e2e.one_document(done.stdout))


def test_a_truncated_capture_is_replayed_up_to_the_damage(work):
    whole = e2e.frames(DNS)
    (work / "cut.pcap").write_bytes(DNS.read_bytes()[:-7])
    out = work / "out.pcap"
    done = e2e.run(
        work,
        [*e2e.replay_words(domain(work), "--in", f"lan={work}/cut.pcap", "--out", f"wan={out}"), "--json"],
        code=1,
    )
    e2e.check("cut.pcap" in done.stderr and str(len(whole)) in done.stderr, f"message: {done.stderr!r}")
    equal(len(e2e.messages(done.stderr)), 1, f"lines of {done.stderr!r}")
    report = e2e.one_document(done.stdout)
    e2e.check_report(report)
    equal(report["ledger"]["received"], len(whole) - 1, "received")


def test_an_output_that_cannot_be_written(work):
    config = domain(work)
    refuse(work, config, "--in", f"lan={DNS}", "--out", f"wan={work}/no/where.pcap", naming=["where.pcap"])


def test_a_full_disk_is_a_named_drop_or_a_failure(work):
    done = e2e.run(
        work,
        [*e2e.replay_words(domain(work), "--in", f"lan={PCAPS}/mixed.pcap", "--out", "wan=/dev/full"), "--json"],
        code=None,
    )
    e2e.check(done.returncode != 0, "a capture that could not be written is no success")
    document = e2e.one_document(done.stdout)
    if "ledger" in document:
        e2e.check_report(document)


def test_an_image_that_is_not_there(work):
    refuse(work, domain(work, image="teleport"), "--in", f"lan={DNS}", naming=["fw-1", "teleport"])


def lying_elf(work):
    """The firewall with a segment that claims to lie beyond the file."""
    image = bytearray(FIREWALL.read_bytes())
    phoff, phentsize, phnum = struct.unpack_from("<Q", image, 32)[0], *struct.unpack_from("<HH", image, 54)
    for n in range(phnum):
        at = phoff + n * phentsize
        if struct.unpack_from("<I", image, at)[0] == 1:  # PT_LOAD
            struct.pack_into("<Q", image, at + 32, 1 << 60)  # p_filesz
            struct.pack_into("<Q", image, at + 40, 1 << 60)  # p_memsz
    path = work / "liar"
    path.write_bytes(image)
    return path


def test_an_image_that_lies(work):
    for image in (lying_elf(work), work / "empty", work / "words", "/bin/true"):
        if not os.path.exists(image):
            image.write_bytes(b"" if image.name == "empty" else b"no ELF at all" * 100)
        refuse(work, domain(work, image=str(image)), "--in", f"lan={DNS}", naming=["fw-1"])
        done = e2e.run(
            work, [BIN / "hv", "run", image, "--memory", "4", "--net", work / "hv.sock"], code=HV_IMAGE
        )
        equal(len(e2e.messages(done.stderr)), 1, f"lines of {done.stderr!r}")


def test_no_kvm(work):
    """/dev/kvm is hidden in a mount namespace of the test's own."""
    e2e.need_root("a mount namespace hides /dev/kvm")
    if not os.path.exists("/dev/kvm"):
        hidden = []
    else:
        hidden = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/kvm && exec "$@"', "sh"]
        if e2e.run(work, [*hidden, "true"], code=None).returncode:
            raise e2e.Skip("no mount namespaces here")
    replay = [BIN / "sluice", "replay", domain(work), "--node", "edge", "--in", f"lan={DNS}"]
    refuse(work, None, naming=["fw-1", "ids-1", "/dev/kvm"], lines=2, command=[*hidden, *replay, "--runtime", "kvm"])
    report = e2e.one_document(e2e.run(work, [*hidden, *replay, "--json"]).stdout)
    e2e.check_report(report)
    equal({i["runtime"] for i in report["instances"]}, {"process"}, "runtimes without KVM")


def test_a_socket_that_is_taken(work):
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(work / "hv.sock"))
        taken.listen()
        done = e2e.run(
            work, [BIN / "hv", "run", FIREWALL, "--memory", "4", "--net", work / "hv.sock"], code=HV_SOCKET
        )
        equal(len(e2e.messages(done.stderr)), 1, f"lines of {done.stderr!r}")
        e2e.check("hv.sock" in done.stderr, f"message: {done.stderr!r}")


def test_no_memory(work):
    # From too little to load the programs to enough for all but the guests: always an end in order.
    for mib in (40, 100, 200, 400):
        limit = mib << 20
        done = e2e.run(
            work,
            e2e.replay_words(domain(work, memory=512), "--in", f"lan={DNS}"),
            code=None,
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        )
        e2e.check(done.returncode in (0, 1), f"{mib} MiB: exit code {done.returncode}: {done.stderr}")
        # What DPDK says about its plugins comes before our line.
        e2e.check(done.returncode == 0 or done.stderr.splitlines()[-1].startswith("sluice: "), f"{mib} MiB: {done.stderr}")


# Sanitizers reserve terabytes of address space: under a limit they say nothing about the programs.
if e2e.SANITIZED:
    del test_no_memory


e2e.main()
