#!/usr/bin/python3
"""sluice bench: rates, latency by hop, a bottleneck, and books that balance at overload. Times are short: what is
tested is that the figures are whole and agree with each other, not what they are."""

import json

import e2e
from e2e import check, equal

SHORT = ("--trial", "0.05", "--sum", "0.1", "--width", "20")
CASES = ["mrr", "pdr", "ndr", "latency_none", "latency_10", "latency_50", "latency_90"]
SHARES = ("p50", "p90", "p99", "p999", "max")


def bench(work, config, *words, code=0):
    runtime = [] if e2e.RUNTIME == "auto" else ["--runtime", e2e.RUNTIME]
    done = e2e.sluice(work, "bench", config, "--node", "edge", *runtime, *SHORT, *words, "--json", code=code)
    return e2e.one_document(done.stdout)


def check_shares(shares, what):
    values = [shares[name] for name in SHARES]
    check(values == sorted(values), f"{what}: shares do not rise: {shares}")


def check_latency(result, instances):
    check(result["unit"] == "ns" and result["pps"] > 0, f"latency: {result['unit']}, {result['pps']}")
    equal(sum(count for _, count in result["hist"]), result["latency"]["frames"], "frames in the histogram")
    lows = [low for low, _ in result["hist"]]
    check(lows == sorted(lows) and lows[0] >= 100, f"buckets: {lows[:5]}...")
    check(result["latency"]["frames"] > 0, "no frame was stamped")
    check(result["clean"]["frames"] <= result["latency"]["frames"], "more clean frames than frames")
    check(0 <= result["preempted"] <= 1, f"preempted share {result['preempted']}")
    check_shares(result["latency"], "latency")
    equal([hop["instance"] for hop in result["hops"]], instances, "hops")
    for hop in result["hops"]:
        check(0 < hop["known"] <= hop["given"], f"{hop['instance']}: {hop['known']} known of {hop['given']}")
        for part in ("sff", "ring", "guest", "return"):
            check_shares(hop[part], f"{hop['instance']} {part}")
            check(hop[part]["frames"] <= hop["known"], f"{hop['instance']} {part}: too many frames")
        # A guest says when it worked: nearly all of the frames can be split.
        check(hop["guest"]["frames"] * 2 > hop["known"], f"{hop['instance']}: {hop['guest']['frames']} frames split")


def check_results(document, instances):
    results = {result["case"]: result for result in document["results"]}
    equal(list(results), CASES, "cases")
    for result in results.values():
        check({"v", "bench", "case", "commit", "cfg", "env", "unit", "pps", "loss", "goal", "hist"} <= set(result),
              f"fields of {result['case']}: {sorted(result)}")
        check(result["v"] == 1 and result["bench"] == "sluice" and 0 <= result["loss"] <= 1, f"{result}")
    check(results["mrr"]["pps"] > 0, "MRR is 0")
    for name, loss in (("pdr", 0.005), ("ndr", 0)):
        rate = results[name]
        equal(rate["goal"]["loss"], loss, f"goal of {name}")
        check(rate["pps"] > 0, f"{name} is 0")
        check(rate["above_pps"] == 0 or rate["pps"] < rate["above_pps"], f"{name}: bounds {rate}")
        check(rate["exceeded"] * 2 <= rate["trials"], f"{name}: {rate['exceeded']} of {rate['trials']} lost more")
    for case in CASES[3:]:
        check_latency(results[case], instances)
    check(document["bottleneck"]["name"] in (*instances, "worker"), f"bottleneck: {document['bottleneck']}")
    check(document["bottleneck"]["why"] != "", "the bottleneck has no reason")
    e2e.check_ledger(document["ledger"])
    return results


def test_a_chain_of_two_vms_is_rated(work):
    config = e2e.write_domain(work, e2e.one_node())
    results = check_results(bench(work, config), ["fw-1", "ids-1"])
    equal(results["mrr"]["cfg"]["rule"], "all", "rule")
    equal(results["mrr"]["cfg"]["frame"], 64, "frame")


# What follows is the same under KVM.
if e2e.RUNTIME == "kvm":
    e2e.main()


def test_frames_of_a_capture_are_sent_over_and_over(work):
    config = e2e.write_domain(work, e2e.one_node())
    # The firewall's own decisions are no loss.
    document = bench(work, config, "--in", f"lan={e2e.PCAPS / 'mixed.pcap'}")
    results = check_results(document, ["fw-1", "ids-1"])
    equal(results["mrr"]["cfg"]["rule"], None, "rule")
    check(document["ledger"]["dropped"]["sf-consumed"] > 0, "nothing was denied")


def test_a_chain_that_lets_nothing_through_says_why(work):
    domain = e2e.one_node()
    domain["sfc"]["function"][0]["instance"] = [e2e.vm("fw-1", "edge", "firewall", "deny any any any")]
    config = e2e.write_domain(work, domain)
    document = bench(work, config, code=4)
    check("none came out" in document["error"] and "consumed by functions" in document["error"], document["error"])


def test_what_cannot_be_sent_is_said_at_once(work):
    domain = e2e.one_node()
    del domain["sfc"]["rule"]
    config = e2e.write_domain(work, domain)
    document = bench(work, config, code=1)
    check("no rule leads into a path" in document["error"], document["error"])
    done = e2e.sluice(work, "bench", config, "--size", "59", code=1)
    check("60..9000" in done.stderr, done.stderr)
    (work / "empty.pcap").write_bytes(b"")
    document = bench(work, config, "--in", f"lan={work}/empty.pcap", code=1)
    check("empty.pcap" in document["error"], json.dumps(document))


def test_people_get_a_table_of_100_columns(work):
    config = e2e.write_domain(work, e2e.one_node())
    runtime = [] if e2e.RUNTIME == "auto" else ["--runtime", e2e.RUNTIME]
    out = e2e.sluice(work, "bench", config, "--node", "edge", *runtime, *SHORT, cwd=work).stdout
    # The first line names the file.
    equal([line for line in out.splitlines()[1:] if len(line) > 100], [], "lines of more than 100 columns")
    for word in ("MRR", "PDR", "NDR", "bottleneck", "fw-1", "ids-1", "preempted", "balanced"):
        check(word in out, f"'{word}' is not in:\n{out}")


e2e.main()
