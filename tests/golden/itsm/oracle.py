#!/usr/bin/env python3
"""What examples/itsm must find in an incident log, computed straight from the file without any rule engine."""
import gzip
import json
import sys
from collections import Counter

DONE = {"solved", "closed"}


def findings(path):
    last, moves = {}, Counter()
    found = {"reopened": set(), "bounced": set(), "urgent-late": set()}
    for line in gzip.open(path, "rt", encoding="utf-8"):
        event = json.loads(line)
        subject, ticket = event["subject"], event["data"]["ticket"]
        before = last.get(subject)
        last[subject] = ticket
        if before is None:
            continue
        moves[subject] += ticket["queue"] != before["queue"]
        if before["status"] in DONE and ticket["status"] not in DONE:
            found["reopened"].add(subject)
        if moves[subject] >= 5:
            found["bounced"].add(subject)
        if ticket["priority"] == "urgent" and before["priority"] != "urgent":
            found["urgent-late"].add(subject)
    return {name: sorted(subjects) for name, subjects in found.items()}


if __name__ == "__main__":
    print(json.dumps(findings(sys.argv[1]), indent=1))
