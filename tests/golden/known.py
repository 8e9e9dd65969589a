"""What the checks against known answers share: where the data is, replaying, and how a check ends."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77


class Failed(Exception):
    pass


def replay(program, folder, events):
    """The decisions, one after another."""
    command = [program, "replay", folder, "--events", events, "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"replay of {Path(folder).name} ended with {done.returncode}: {done.stderr[-2000:]}")
    for line in done.stdout.splitlines():
        yield json.loads(line)


def run(description, needed, check):
    """Calls check(program, folder of shared data); `needed` is the file of that folder it cannot do without."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("SIGNALBOX_SHARED", ROOT.parent / "shared"))
    if not (shared / needed).exists():
        print(f"skipped: {shared / needed} is not there; SIGNALBOX_SHARED says where such data is")
        return SKIPPED
    try:
        check(arguments.signalbox, shared)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    return 0
