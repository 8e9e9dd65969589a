#!/usr/bin/env python3
"""Replays recorded leads through scoring and holds every score, its parts and its band against a known answer.

The points are those that the answer was made with: they are written out as a scoring.yaml beside the files of desk/.
Ends with 77 (skipped) when the leads are not there.
"""
import collections
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from known import Failed, replay, run  # noqa: E402

DESK = Path(__file__).resolve().parent / "desk"
# What the columns of the answer are called in the stream.
FIELDS = {"campaign": "attempts", "pdays": "days_since_last_contact", "poutcome": "previous_outcome"}
OPERATORS = {"ge": "gte", "le": "lte"}


def condition(one):
    field = "lead." + FIELDS.get(one["field"], one["field"])
    return {field: {OPERATORS.get(one["op"], one["op"]): one["value"]}}


def scoring_file(rules):
    """JSON is YAML."""
    points = [{"id": one["name"], "when": {"all": [condition(part) for part in one["when"]]}, "add": one["points"]}
              for one in rules["score"]]
    bands = [{"id": one["name"], "from": one["min"]} for one in rules["bands"]]
    bands[0]["enter"] = "lead.qualified"
    return json.dumps({"scores": [{"id": "worth-a-call", "points": points, "bands": bands}]}, indent=1)


class Found:
    """What the decisions say of each lead."""

    def __init__(self, decisions):
        self.scores, self.bands, self.parts = {}, {}, collections.Counter()
        self.seen_at_once, self.qualified = set(), set()
        for decision in decisions:
            lead = decision["event"]["subject"].split("/", 1)[1]
            for change in decision.get("scores", []):
                self.scores[lead], self.bands[lead] = change["to"], change["band"]
                self.parts.update(part["id"] for part in change["parts"])
            if "hot-at-once" in decision["fired"]:
                self.seen_at_once.add(lead)
            if "qualified" in decision["fired"]:
                self.qualified.add(lead)


def digest(ids):
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def compare(found, scores, summary):
    wrong = [(lead, found.scores.get(lead), score) for lead, score in scores.items() if found.scores.get(lead) != score]
    bands = collections.Counter(found.bands.values())
    hot = {lead for lead, band in found.bands.items() if band == "hot"}
    print(f"{len(found.scores)} leads scored, {len(scores)} known, {len(wrong)} other scores; "
          f"bands {dict(bands)}, {len(found.qualified)} told of as they came into the highest")
    if wrong or set(found.scores) != set(scores):
        raise Failed(f"scores: {wrong[:5]}")
    if dict(bands) != summary["bands"]:
        raise Failed(f"bands: {dict(bands)} in place of {summary['bands']}")
    if dict(found.parts) != summary["rules_fired"]:
        raise Failed(f"parts: {dict(found.parts)} in place of {summary['rules_fired']}")
    if digest(hot) != summary["hot_ids_sha256"]:
        raise Failed("other leads are in the highest band")
    if found.qualified != hot or found.seen_at_once != hot:
        raise Failed(f"rules heard of {len(found.qualified)} and saw {len(found.seen_at_once)} of {len(hot)}")


def check(program, shared):
    rules = json.loads((shared / "data/oracles/lead_rules.json").read_text())
    scores = json.loads(gzip.open(shared / "data/oracles/leads_scores.json.gz").read())
    summary = json.loads((shared / "data/oracles/leads_summary.json").read_text())
    with tempfile.TemporaryDirectory(prefix="signalbox-scoring-") as work:
        folder = Path(work) / "desk"
        shutil.copytree(DESK, folder)
        (folder / "scoring.yaml").write_text(scoring_file(rules))
        compare(Found(replay(program, folder, shared / "data/bank_marketing.jsonl.gz")), scores, summary)


if __name__ == "__main__":
    sys.exit(run(__doc__, "data/oracles/lead_rules.json", check))
