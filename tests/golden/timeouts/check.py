#!/usr/bin/env python3
"""Replays a real incident log through rules with timers and holds what fires against a known answer, to the instant.

The same rule is written twice, with a named timer and with a wait; both have to agree. Ends with 77 (skipped) when the
log is not there.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def known_answer(shared):
    answer = json.loads((shared / "data/oracles/servicenow_pending_timeout.json").read_text())
    return sorted((incident, instant) for incident, _, instant in answer["fires"]), answer["fired"]


def replay(program, log):
    command = [program, "replay", ROOT / "tests/golden/timeouts/tenant", "--events", log, "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"replay ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_timer(decisions):
    return sorted((decision["event"]["subject"].split("/")[1], decision["event"]["time"]) for decision in decisions
                  if "unanswered" in decision["fired"])


def of_wait(decisions):
    return sorted((decision["event"]["subject"].split("/")[1], decision["event"]["time"]) for decision in decisions
                  if decision["actions"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("SIGNALBOX_SHARED", ROOT.parent / "shared"))
    log = shared / "data/servicenow.jsonl.gz"
    if not log.exists():
        print(f"skipped: {log} is not there; SIGNALBOX_SHARED says where such data is")
        return 77
    known, count = known_answer(shared)
    decisions = replay(arguments.signalbox, log)
    for what, found in (("timer", of_timer(decisions)), ("wait", of_wait(decisions))):
        missing, more = set(known) - set(found), set(found) - set(known)
        print(f"{what}: {len(found)} of {count}, {len(missing)} missing, {len(more)} too many")
        if found != known:
            print(f"missing {sorted(missing)[:5]}, too many {sorted(more)[:5]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
