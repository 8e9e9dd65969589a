#!/usr/bin/env python3
"""Replays a real incident log through service levels and holds every breach against a known answer, to the instant.

Sixteen business hours under both conventions of when a target is over as hours close, and targets by priority that
change on the way. Ends with 77 (skipped) when the log is not there.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from known import Failed, replay, run  # noqa: E402

HERE = Path(__file__).resolve().parent


def breaches(program, folder, log):
    """By incident the instants of its breaches, and that the rule on them fired at each."""
    found, told = {}, set()
    for decision in replay(program, HERE / folder, log):
        incident = decision["event"]["subject"].split("/")[1]
        for change in decision.get("sla", []):
            if change["change"] == "breached":
                found.setdefault(incident, []).append(change["at"])
        if "late" in decision["fired"]:
            told.add(incident)
    if told != set(found):
        raise Failed(f"{folder}: a rule heard of {len(told)} breaches of {len(found)}")
    return found


def compare(what, found, wanted):
    wrong = [(incident, at, found.get(incident)) for incident, at in wanted.items() if found.get(incident) != [at]]
    more = sorted(set(found) - set(wanted))
    print(f"{what}: {len(found)} breaches, {len(wanted)} known, {len(wrong)} missing or at another time, "
          f"{len(more)} too many")
    if wrong or more:
        raise Failed(f"{what}: {wrong[:5]}, too many {more[:5]}")


def check(program, shared):
    log = shared / "data/servicenow.jsonl.gz"
    known = json.loads((shared / "data/oracles/servicenow_sla_resolution.json").read_text())
    wanted = {incident: at for incident, at, *_ in known["breaches"]}
    compare("resolution", breaches(program, "resolution", log), wanted)
    # Who is done before the next opening is in time when that is when it is due.
    in_time = {incident for incident, *_ in known["due_at_the_last_second_of_a_window_and_ended_before_the_next_window"]}
    rolled = breaches(program, "resolution-next-opening", log)
    print(f"resolution, due at the next opening: {len(rolled)} breaches, {len(wanted) - len(in_time)} known")
    if set(rolled) != set(wanted) - in_time:
        raise Failed(f"due at the next opening: {sorted(set(rolled) ^ (set(wanted) - in_time))[:5]}")
    by_priority = json.loads((shared / "data/oracles/servicenow_sla_priority.json").read_text())
    compare("targets by priority", breaches(program, "priority", log),
            {incident: at for incident, at, *_ in by_priority["breaches"]})


if __name__ == "__main__":
    sys.exit(run(__doc__, "data/servicenow.jsonl.gz", check))
