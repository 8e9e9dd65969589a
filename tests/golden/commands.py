#!/usr/bin/env python3
"""Holds docs/reference/commands.md against what `--help` says of every command.

SIGNALBOX_UPDATE_GOLDEN=1 writes the page anew.
"""
import argparse
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/commands.md"
HEADING = """# Commands

What `signalbox` and each of its commands say to `--help`. Settings of `serve` may also stand in a YAML file (`--config`) under
the same names, or in the environment; the command line goes before the environment, the environment before the file.

Every command ends with 0 when all is well, 1 when it found something, 2 when it was used wrongly, and with the codes of `sysexits.h` for the rest: 65 what it
was given cannot be read, 69 the store is not there or taken, 74 an error of the disk, 78 the settings.

This page is made from the program: `SIGNALBOX_UPDATE_GOLDEN=1 python3 tests/golden/commands.py` writes it anew.
"""


def help_of(program, path):
    done = subprocess.run([program, *path, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{path}: {done.stderr}"
    return done.stdout.strip() + "\n"


def subcommands_of(text):
    """Names at the start of the lines below `Subcommands:`."""
    section = re.search(r"^Subcommands:\n((?:  .*\n?)+)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", section.group(1), re.MULTILINE) if section else []


def sections(program, path=()):
    text = help_of(program, path)
    yield f"\n## {' '.join(('signalbox', *path))}\n\n```\n{text}```\n"
    for name in subcommands_of(text):
        yield from sections(program, (*path, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program")
    arguments = parser.parse_args()
    page = HEADING + "".join(sections(arguments.signalbox))
    assert page.count("\n## ") > 15, "most commands are missing"
    if os.environ.get("SIGNALBOX_UPDATE_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")
    known = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if page == known:
        return 0
    sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), page.splitlines(True), str(PAGE), "--help"))
    print("the page is old: run this with SIGNALBOX_UPDATE_GOLDEN=1")
    return 1


if __name__ == "__main__":
    sys.exit(main())
