#!/usr/bin/env python3
"""The disk under load: death at the n-th sync, a sync that fails, a disk that is full for a while; then a restart.

strace puts the fault into the system call. Whatever the daemon makes of it, whether it dies, ends with 74, or answers
503 until the disk is well again, nothing that it acknowledged may be missing afterwards, nor be there twice.
Ends with 77 (skipped) where processes cannot be traced.
"""
import argparse
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig.bench import SLOW, Bench, scaled  # noqa: E402
from rig.daemon import Failed, exit_code_of, expect, wait_until  # noqa: E402

EVENTS_PER_SECOND = 200
SYNCS = 40  # the fault comes at one of so many; the first ones are those of the start
WRITES_PER_SYNC = 12  # about; a start alone has a hundred writes
LONG_SYNCS = 300
WRITES_FULL = 25  # the disk is full for so many writes
ANSWERS = 150  # after so many the fault has been lived through
DEATHS_ALLOWED = {-9, 74}  # by the injected signal, or because the store's state was in doubt
FAULTS = {
    "killed": ("fdatasync", "signal=KILL:when={n}"),
    "sync_fails": ("fdatasync", "error=EIO:when={n}"),
    "disk_full": ("pwrite64", "error=ENOSPC:when={n}..{m}"),
}


def strace(call, fault):
    # -D: the daemon stays our child, and its tracer ends with it.
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{fault}"]


def can_trace():
    if not shutil.which("strace"):
        return False
    done = subprocess.run([*strace("fdatasync", "error=EIO:when=1"), "true"], capture_output=True)
    return done.returncode == 0


def started(bench, under):
    """False when the fault came so early that the daemon ended before it was ready."""
    try:
        bench.start(under=under)
        return True
    except Failed:
        if not bench.daemon.ends_within(10):
            raise
        return False


def one_round(bench, load, name, number):
    """Starts with the fault ahead, lets it happen, and says how it ended."""
    call, fault = FAULTS[name]
    bench.away()
    code = 0
    if started(bench, strace(call, fault.format(n=number, m=number + WRITES_FULL))):
        enough = load.counts["answered"] + ANSWERS
        over = lambda: load.counts["answered"] >= enough or not bench.daemon.running()
        wait_until(over, lambda: f"{name} at {number}: nobody gets an answer, {dict(load.counts)}")
    if bench.daemon.running():
        bench.daemon.kill()
        return "lived on"
    code = bench.daemon.wait_for_end()
    # A start that fails has not acknowledged anything: any reason will do, a crash will not.
    expect(code in DEATHS_ALLOWED or 0 < code < 128, f"{name} at {number} ended the daemon with {code}")
    return f"ended with {code}"


def run(arguments):
    chance = random.Random(f"{arguments.seed}/disk")
    with Bench(arguments.signalbox, arguments.work, arguments.seed) as bench:
        bench.start()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        bench.daemon.kill()
        ends = Counter()
        for number in range(arguments.rounds):
            name = list(FAULTS)[number % len(FAULTS)]
            at = number // len(FAULTS) + 1 if arguments.long else chance.randint(1, SYNCS)
            at *= WRITES_PER_SYNC if name == "disk_full" else 1
            ends[f"{name}: {one_round(bench, load, name, at)}"] += 1
        bench.away()
        bench.start()
        load.stop()
        bench.daemon.wait_until_idle()
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print("\n".join(f"{count:4d} {end}" for end, count in sorted(ends.items())))
        print(f"{load.counts['answered 503']} requests were told to come later, {load.counts['resent']} got no answer")
        bench.verdict()
        expect(ends["killed: ended with -9"] > 0, "no sync was died at")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/disk-rounds", help="folder for store and logs, made afresh")
    parser.add_argument("--rounds", type=int, help=f"how many faults; 18, with --long {3 * LONG_SYNCS}")
    parser.add_argument("--long", action="store_true", help="every sync and write from the first on, one by one")
    parser.add_argument("--seed", default="1", help="repeats the senders' stories and the places of the faults")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 * LONG_SYNCS if arguments.long else 6 if SLOW else 18)
    if not can_trace():
        print("processes cannot be traced here")
        return 77
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
