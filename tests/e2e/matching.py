#!/usr/bin/env python3
"""`signalbox bench match`: the index and a look at every rule give the same, on made-up rules, on a tenant's own and
on engine-neutral workloads with known answers. Times are printed, not judged: a test machine has none to trust."""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
ROOT = Path(__file__).resolve().parents[2]
SLOW = bool(os.environ.get("SIGNALBOX_SLOW"))
KEYS = {"profile", "rules", "events_per_s", "p50_us", "p99_us", "build_ms", "bytes_per_rule", "naive_events_per_s",
        "parse_floor_events_per_s", "mismatches", "compared", "matches_per_event", "instructions_per_event"}
BYTES_PER_RULE_MAX = 1024


def expect(condition, what):
    if not condition:
        raise SystemExit(f"FAILED: {what}")


def measured(program, *words, code=0):
    done = subprocess.run([program, "bench", "match", "--seconds", "0.02", *map(str, words), "--json"],
                          capture_output=True, text=True, timeout=600)
    expect(done.returncode == code, f"bench match {words} ended with {done.returncode}: {done.stdout} {done.stderr}")
    results = json.loads(done.stdout)["results"]
    for one in results:
        expect(set(one) == KEYS, f"the members are {sorted(one)}")
        print(f"{one['profile']:>24} {one['rules']:>7} rules {one['events_per_s']:>10.0f} events/s "
              f"{one['bytes_per_rule']:>6.0f} bytes a rule, {one['mismatches']} of {one['compared']} differ")
        expect(code != 0 or one["mismatches"] == 0, f"{one} differs from a look at every rule")
        expect(one["compared"] > 0, f"{one} compared nothing")
    return results


def check_made_up(program):
    counts = "10,600" if SLOW else "10,1000,10000"
    results = measured(program, "--counts", counts, "--event-count", 200, "--seed", random.randrange(1 << 31))
    profiles = {one["profile"] for one in results}
    expect(profiles == {"mixed", "equality", "text", "selective"}, f"the profiles are {profiles}")
    for one in results:
        large = one["rules"] >= 1000
        expect(not large or one["bytes_per_rule"] < BYTES_PER_RULE_MAX, f"{one} takes more than 1 KB a rule")
    mixed = [one for one in results if one["profile"] == "mixed" and one["rules"] >= 600]
    expect(all(0.5 < one["matches_per_event"] < 20 for one in mixed), f"mixed rules fit too few or too many: {mixed}")


def check_own_rules(program, work):
    events = work / "events.jsonl"
    with open(events, "w", encoding="utf-8") as file:
        for i in range(50):
            ticket = {"id": f"T{i}", "status": random.choice(["new", "open"]), "priority": random.choice(["low", "urgent"]),
                      "subject": random.choice(["refund please", "hello", "outage \u00fc"]), "tags": ["vip"] * (i % 2)}
            file.write(json.dumps({"specversion": "1.0", "id": f"e{i}", "source": "/test", "subject": f"ticket/T{i}",
                                   "type": random.choice(["ticket.created", "ticket.updated"]),
                                   "data": {"ticket": ticket}}) + "\n")
    measured(program, "--rules", ROOT / "examples/acme", "--events", events)
    (work / "tenant").mkdir()
    (work / "tenant/rules.yaml").write_text(
        "rules:\n  - id: by-source\n    on: ticket.*\n    when: { event.source: /test, ticket.status: new }\n"
        "    then: [ { add_tags: [seen] } ]\n")
    (work / "tenant/tenant.yaml").write_text("name: own\n")
    results = measured(program, "--rules", work / "tenant", "--events", events)
    expect(results[0]["matches_per_event"] > 0, f"what stands beside data is not read: {results}")


def check_wrong_answers(program, work):
    """Known answers that are wrong are found to be."""
    (work / "events.jsonl").write_text('{"a":"x","b":1}\n{"a":"y"}\n')
    (work / "rules-spoilt.jsonl").write_text('{"id":0,"all":[{"field":"a","op":"eq","value":"x"}]}\n')
    (work / "oracle-spoilt.jsonl").write_text("[0]\n[0]\n")
    results = measured(program, "--workload", work, code=1)
    expect(results[0]["mismatches"] == 1, f"a wrong answer was not found: {results}")
    for spoilt in ("5", '{"id":0,"all":["x"]}', '{"id":0,"all":[{"field":"a","op":"contains","value":1}]}',
                   '{"id":0,"all":[{"field":"b","op":"range","gte":"x"}]}', '{"id":0,"all":[{"field":"a","op":"near"}]}'):
        (work / "rules-spoilt.jsonl").write_text(spoilt + "\n")
        done = subprocess.run([program, "bench", "match", "--workload", work], capture_output=True, text=True, timeout=60)
        expect(done.returncode in (1, 65) and "rules-spoilt.jsonl:1: " in done.stderr,
               f"{spoilt} ended with {done.returncode}: {done.stderr}")


def check_workload(program, work):
    generator = Path(os.environ.get("SIGNALBOX_SHARED") or ROOT.parent / "shared") / "matcher-workload/gen.py"
    if not generator.exists():
        print(f"skipped: {generator} is not there; SIGNALBOX_SHARED names the folder that holds matcher-workload/")
        sys.exit(77)
    seed = random.randrange(1 << 31)
    counts = "10,300" if SLOW else "10,1000,3000"
    print(f"gen.py --seed {seed}")
    subprocess.run([sys.executable, generator, "--out", work, "--seed", str(seed), "--counts", counts, "--events", "400",
                    "--oracle-events", "400"], check=True, capture_output=True, timeout=600)
    results = measured(program, "--workload", work)
    made = len(list(work.glob("rules-*.jsonl")))
    expect(made >= 10 and len(results) == made, f"{len(results)} sets of {made} were measured")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", required=True, type=os.path.abspath)
    parser.add_argument("--work", required=True, type=Path, help="a folder to make afresh")
    parser.add_argument("--workload", action="store_true", help="the sets that the shared generator makes")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    for part in ("own", "spoilt", "workload"):
        os.makedirs(arguments.work / part)
    if arguments.workload:
        check_workload(arguments.signalbox, arguments.work / "workload")
        return
    check_made_up(arguments.signalbox)
    check_own_rules(arguments.signalbox, arguments.work / "own")
    check_wrong_answers(arguments.signalbox, arguments.work / "spoilt")


if __name__ == "__main__":
    main()
