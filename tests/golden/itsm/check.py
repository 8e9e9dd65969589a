#!/usr/bin/env python3
"""Replays a real incident log through examples/itsm and holds the answer against oracle.py, id by id.

Then: a second run gives the same bytes, the store that a run filled verifies, and one byte changed in it is found
and named. Ends with 77 (skipped) when the log is not there.
"""
import argparse
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
import oracle  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
EVENTS = 24_698


class Failed(Exception):
    pass


def expect(holds, message):
    if not holds:
        raise Failed(message)


def run(arguments, *more, codes=(0,)):
    command = [arguments.signalbox, *map(str, more)]
    done = subprocess.run(command, capture_output=True, cwd=arguments.work)
    expect(done.returncode in codes,
           f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return done


def replay(arguments, log, *more):
    return run(arguments, "replay", ROOT / "examples/itsm", "--events", log, "--json", *more).stdout


def ids_of(log):
    with gzip.open(log, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["id"] for line in lines]


def check_decisions(decisions, log):
    expect(len(decisions) == EVENTS, f"{EVENTS} decisions expected, {len(decisions)} came")
    expect([d["event"]["id"] for d in decisions] == ids_of(log), "the decisions are not in the order of the events")
    outcomes = {d["outcome"] for d in decisions}
    expect(outcomes == {"ok"}, f"only `ok` was expected, the outcomes are {sorted(outcomes)}")
    versions = {d["ruleset"] for d in decisions}
    expect(len(versions) == 1, f"one rule set was expected: {versions}")


def findings_of(decisions, rules):
    """Subjects by rule: from the rules that fired, and from the messages that would have been sent."""
    fired, messages = defaultdict(set), defaultdict(set)
    for decision in decisions:
        for rule in decision["fired"]:
            fired[rule].add(decision["event"]["subject"])
        for action in decision["actions"]:
            messages[action["rule"]].add(decision["event"]["subject"])
    return {rule: (fired[rule], messages[rule]) for rule in rules}


def check_findings(decisions, log):
    known = oracle.findings(log)
    for rule, (fired, messages) in findings_of(decisions, known).items():
        wanted = set(known[rule])
        expect(wanted, f"the oracle knows no {rule}: is this the right log?")
        for what, found in (("fired", fired), ("sent messages", messages)):
            expect(found == wanted, f"{rule} {what}: missing {sorted(wanted - found)[:5]}, "
                                    f"too many {sorted(found - wanted)[:5]}")
        print(f"{rule}: {len(wanted)} incidents, the same ones as the oracle's")


def change_one_byte(path):
    """Turns one letter of the journal body in the middle; returns the row's stream and number."""
    store = sqlite3.connect(path)
    position, body = store.execute("select position, body from journal where body is not null order by position limit 1 "
                                   "offset (select count(*) / 2 from journal)").fetchone()
    middle = next(i for i in range(len(body) // 2, len(body)) if body[i].isalpha())
    spoilt = body[:middle] + ("x" if body[middle] != "x" else "y") + body[middle + 1:]
    store.execute("update journal set body = ? where position = ?", (spoilt, position))
    store.commit()
    stream, = store.execute("select name from streams where id = ?", (position >> 40,)).fetchone()
    store.close()
    return stream, str(position & ((1 << 40) - 1))


def check_store(arguments, log, first):
    path = Path(arguments.work, "itsm.db")
    url = f"sqlite:///{path}"
    expect(replay(arguments, log, "--store", url) == first, "with a store the decisions are others")
    run(arguments, "audit", "verify", "--store", url)
    print("audit verify: the chain holds")
    stream, seq = change_one_byte(path)
    found = run(arguments, "audit", "verify", "--store", url, codes=(1,))
    text = (found.stdout + found.stderr).decode()
    expect(f"{stream}#{seq}:" in text, f"the spoilt row {stream}#{seq} is not named in:\n{text[-1000:]}")
    print(f"audit verify: one byte changed in {stream}#{seq} is found and named")


def check(arguments, log):
    first = replay(arguments, log)
    decisions = [json.loads(line) for line in first.splitlines()]
    check_decisions(decisions, log)
    check_findings(decisions, log)
    expect(replay(arguments, log) == first, "a second run gives other bytes")
    print(f"{len(decisions)} decisions, the same bytes again in a second run")
    check_store(arguments, log, first)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", required=True, type=os.path.abspath)
    parser.add_argument("--work", required=True, type=os.path.abspath, help="a folder to make afresh")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("SIGNALBOX_SHARED") or ROOT.parent / "shared")
    log = shared / "data/servicenow.jsonl.gz"
    if not log.exists():
        print(f"skipped: {log} is not there; SIGNALBOX_SHARED names the folder that holds data/")
        return 77
    shutil.rmtree(arguments.work, ignore_errors=True)
    os.makedirs(arguments.work)
    try:
        check(arguments, log.resolve())
    except Failed as failure:
        print(f"FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
