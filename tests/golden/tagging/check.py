#!/usr/bin/env python3
"""Replays recorded texts through tagging and holds who got which tag against a known answer.

The words and patterns are those that the answer was made with: they are written out as a tagging.yaml beside the files
of desk/, once to add the tags and once as a list that sets them. A rule of the desk tells which events it saw tags
change in. Ends with 77 (skipped) when the texts are not there.
"""
import collections
import hashlib
import json
import shutil
import tempfile
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from known import Failed, replay, run  # noqa: E402

DESK = Path(__file__).resolve().parent / "desk"


def tagging_file(rules, field, sets):
    """JSON is YAML."""
    file = {"fields": field}
    if sets:
        file["set"] = {"topics": {"entries": rules}}
    else:
        file["add"] = rules
    return json.dumps(file, indent=1)


def tags_given(program, folder, log):
    """By tag its tickets; how many texts there were; and those that a rule heard of."""
    given, texts, heard = collections.defaultdict(list), 0, set()
    for decision in replay(program, folder, log):
        ticket = decision["event"]["subject"].split("/", 1)[1]
        texts += 1
        for change in decision["changes"]:
            for tag in set(change["to"]) - set(change["from"] or []):
                given[tag].append(ticket)
        if decision["fired"]:
            heard.add(ticket)
    return given, texts, heard


def compare(name, known, given, texts, heard):
    wrong = []
    for tag, answer in known["tags"].items():
        tickets = given.pop(tag, [])
        digest = hashlib.sha256("\n".join(sorted(tickets)).encode()).hexdigest()
        if len(tickets) != answer["count"] or digest != answer["ids_sha256"]:
            wrong.append(f"{tag}: {len(tickets)} of {answer['count']}")
    assigned = sum(answer["count"] for answer in known["tags"].values())
    print(f"{name}: {texts} texts, {len(heard)} of them with a tag, {assigned} tags known, "
          f"{len(wrong)} of {len(known['tags'])} kinds of tags at other tickets")
    if wrong or given:
        raise Failed(f"{name}: {wrong}, nobody asked for {sorted(given)}")
    if (texts, len(heard)) != (known["texts"], known["texts_with_a_tag"]):
        raise Failed(f"{name}: {known['texts']} texts, {known['texts_with_a_tag']} with a tag were expected")


def check_in(work, program, shared):
    rules = json.loads((shared / "data/oracles/tag_rules.json").read_text())["sets"]
    known = json.loads((shared / "data/oracles/tags_summary.json").read_text())
    if set(rules) != set(known):
        raise Failed(f"the answers are about {sorted(known)}, the rules about {sorted(rules)}")
    for name, one in rules.items():
        for sets in (False, True):
            folder = work / f"{name}-{'set' if sets else 'add'}"
            shutil.copytree(DESK, folder)
            (folder / "tagging.yaml").write_text(tagging_file(one["rules"], one["field"], sets))
            given, texts, heard = tags_given(program, folder, shared / f"data/{name}.jsonl.gz")
            compare(folder.name, known[name], given, texts, heard)


def check(program, shared):
    with tempfile.TemporaryDirectory(prefix="signalbox-tagging-") as work:
        check_in(Path(work), program, shared)


if __name__ == "__main__":
    sys.exit(run(__doc__, "data/oracles/tag_rules.json", check))
