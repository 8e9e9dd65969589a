#!/usr/bin/env python3
"""`signalbox check` on rule sets of the size large organisations have, and what it writes for people and programs."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import many_rules  # noqa: E402

RULES = 10_000
# A hang, not a slow machine: the figure itself is printed. Sanitizers are slow wherever they run.
SECONDS_MAX = 600 if os.environ.get("SIGNALBOX_SLOW") else 60
TWO_RULES = """\
rules:
  - id: vip
    on: ticket.updated
    when: { ticket.tags: { has: vip } }
    then: [ { set: { ticket.priority: high } } ]
  - id: newsletter
    on: ticket.updated
    when: { ticket.subject: { contains: newsletter } }
    then: [ { set: { ticket.priority: low } } ]
"""


def expect(condition, what):
    if not condition:
        raise SystemExit(f"FAILED: {what}")


def run(program, *arguments, code=0, path=None):
    environment = dict(os.environ, PATH=path) if path is not None else None
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS_MAX,
                          env=environment)
    expect(done.returncode == code, f"{arguments}: ended with {done.returncode}, not {code}\n{done.stderr[-2000:]}")
    return done


def check_many(program, work, profile):
    folder = work / profile
    many_rules.write(folder, RULES, profile == "mixed")
    begun = time.monotonic()
    out = json.loads(run(program, "check", folder, "--json").stdout)
    seconds = time.monotonic() - begun
    found = {}
    for one in out["diagnostics"]:
        found[one["class"]] = found.get(one["class"], 0) + 1
    print(f"check: {out['rules']} rules ({profile}) in {seconds:.2f} s, loading included: {found or 'clean'}")
    expect(out["rules"] == RULES, "rules are missing")
    return found


def check_words(program, folder):
    (folder / "rules.yaml").write_text(TWO_RULES)
    plain = run(program, "check", folder)
    expect(re.search(r"^rules\.yaml:9:\d+: warning: .*\[write-conflict\]$", plain.stderr, re.MULTILINE), plain.stderr)
    run(program, "check", folder, "--strict", code=1)
    [finding] = json.loads(run(program, "check", folder, "--json").stdout)["diagnostics"]
    expect(finding["related"][0]["line"] == 5, f"the other place: {finding}")
    check_example(program, folder, finding["example"])
    accepted = TWO_RULES.replace("  - id: newsletter\n", "  - id: newsletter\n    accept: { write-conflict: meant }\n")
    (folder / "rules.yaml").write_text(accepted)
    run(program, "check", folder, "--strict")
    [finding] = json.loads(run(program, "check", folder, "--json").stdout)["diagnostics"]
    expect((finding["severity"], finding["reason"]) == ("accepted", "meant"), f"{finding}")
    expect("because: meant" in run(program, "check", folder, "--all").stderr, "--all shows what is accepted")


def check_example(program, folder, example):
    (folder / "event.json").write_text(json.dumps(example["event"]))
    done = run(program, "dry-run", folder, "--event", folder / "event.json", "--at", example["at"], "--json")
    [conflict] = json.loads(done.stdout)["conflicts"]
    expect(sorted(conflict["rules"]) == ["newsletter", "vip"], f"the dry run shows {conflict}")


def check_graph(program, folder):
    graph = folder / "graph.dot"
    run(program, "check", folder, "--graph", graph)
    expect('"rule vip"' in graph.read_text(), "the graph names the rules")
    run(program, "check", folder, "--graph", folder / "graph.png", code=2)
    run(program, "check", folder, "--graph", folder / "nowhere" / "graph.dot", code=69)
    without = run(program, "check", folder, "--graph", folder / "graph.svg", code=69, path=str(folder))
    expect("install graphviz" in without.stderr, "without dot it says what is missing")
    check_drawing(program, folder)


def check_drawing(program, folder):
    """By Graphviz itself; what cannot draw is said to be so."""
    expect(shutil.which("dot"), "scripts/setup --tests installs graphviz")
    drawn = folder / "a b.svg"
    run(program, "check", folder, "--graph", drawn)
    svg = ElementTree.parse(drawn).getroot()
    name = "{http://www.w3.org/2000/svg}"
    expect(svg.tag == name + "svg", f"the root is {svg.tag}")
    texts = {text.text for text in svg.iter(name + "text")}
    expect({"vip", "newsletter"} <= texts, f"the rules are drawn: {texts}")
    dot = folder / "dot"
    dot.write_text("#!/bin/sh\nexit 1\n")
    dot.chmod(0o755)
    failed = run(program, "check", folder, "--graph", drawn, code=69, path=f"{folder}:{os.environ['PATH']}")
    expect("could not draw" in failed.stderr, failed.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", required=True)
    parser.add_argument("--work", required=True)
    arguments = parser.parse_args()
    program, work = str(Path(arguments.signalbox).resolve()), Path(arguments.work).resolve()
    shutil.rmtree(work, ignore_errors=True)
    small = work / "small"
    small.mkdir(parents=True, exist_ok=True)
    check_words(program, small)
    check_graph(program, small)
    expect(not check_many(program, work, "brands"), "the set is clean")
    found = check_many(program, work, "mixed")
    expect({"never-fires", "write-conflict", "check-limit"} <= set(found), f"the mixed set has findings: {found}")


if __name__ == "__main__":
    main()
