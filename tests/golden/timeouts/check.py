#!/usr/bin/env python3
"""Replays a real incident log through rules with timers and holds what fires against a known answer, to the instant.

The same rule is written twice, with a named timer and with a wait; both have to agree. Ends with 77 (skipped) when the
log is not there.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from known import Failed, replay, run  # noqa: E402

TENANT = Path(__file__).resolve().parent / "tenant"


def known_answer(shared):
    answer = json.loads((shared / "data/oracles/servicenow_pending_timeout.json").read_text())
    return sorted((incident, instant) for incident, _, instant in answer["fires"]), answer["fired"]


def of_timer(decisions):
    return sorted((decision["event"]["subject"].split("/")[1], decision["event"]["time"]) for decision in decisions
                  if "unanswered" in decision["fired"])


def of_wait(decisions):
    return sorted((decision["event"]["subject"].split("/")[1], decision["event"]["time"]) for decision in decisions
                  if decision["actions"])


def check(program, shared):
    known, count = known_answer(shared)
    decisions = list(replay(program, TENANT, shared / "data/servicenow.jsonl.gz"))
    for what, found in (("timer", of_timer(decisions)), ("wait", of_wait(decisions))):
        missing, more = set(known) - set(found), set(found) - set(known)
        print(f"{what}: {len(found)} of {count}, {len(missing)} missing, {len(more)} too many")
        if found != known:
            raise Failed(f"{what}: missing {sorted(missing)[:5]}, too many {sorted(more)[:5]}")


if __name__ == "__main__":
    sys.exit(run(__doc__, "data/servicenow.jsonl.gz", check))
