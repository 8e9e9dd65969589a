#!/usr/bin/env python3
"""The disk under load: death at the n-th sync, a sync that fails, a disk that is full for a while; then a restart.

strace puts the fault into the system call; where processes may not be traced, failpoints beside the commit do instead,
which is said. Whatever the daemon makes of it, whether it dies, ends with 74, or answers 503 until the disk is well
again, nothing that it acknowledged may be missing afterwards, nor be there twice.
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
WRITES_FULL = 25  # the disk is full for so many writes
ANSWERS = 150  # after so many the fault has been lived through
DEATHS_ALLOWED = {-9, 74}  # by the injected signal, or because the store's state was in doubt
FAULTS = {
    "killed": ("fdatasync", "signal=KILL:when={n}"),
    "sync_fails": ("fdatasync", "error=EIO:when={n}"),
    "disk_full": ("pwrite64", "error=ENOSPC:when={n}..{m}"),
}
POINTS = {"killed": "kill", "sync_fails": "doubt", "disk_full": "fail"}  # without strace


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


def armed(bench, name, number, traced):
    """How the daemon has to be started for the fault."""
    call, fault = FAULTS[name]
    if traced:
        return strace(call, fault.format(n=number, m=number + WRITES_FULL))
    at = -(-number // WRITES_PER_SYNC) if name == "disk_full" else number
    bench.daemon.environment["SIGNALBOX_FAILPOINTS"] = f"store.written={POINTS[name]}@{at}"
    return ()


def one_round(bench, load, name, number, traced):
    """Starts with the fault ahead, lets it happen, and says how it ended."""
    bench.away()
    code = 0
    if started(bench, armed(bench, name, number, traced)):
        # A death is waited for; another fault may also come and go.
        enough = load.counts["answered"] + ANSWERS
        over = lambda: name != "killed" and load.counts["answered"] >= enough or not bench.daemon.running()
        wait_until(over, lambda: f"{name} at {number}: nothing happens, {dict(load.counts)}")
    bench.daemon.environment.pop("SIGNALBOX_FAILPOINTS", None)
    if bench.daemon.running():
        bench.daemon.kill()
        return "lived on"
    code = bench.daemon.wait_for_end()
    # A start that fails has not acknowledged anything: any reason will do, a crash will not.
    expect(code in DEATHS_ALLOWED or 0 < code < 128, f"{name} at {number} ended the daemon with {code}")
    return f"ended with {code}"


def plan(arguments, chance):
    """Which fault at which sync or write, in the order they come."""
    faults = []
    for name, count in (("killed", arguments.kills), ("sync_fails", arguments.sync_failures),
                        ("disk_full", arguments.full)):
        places = range(1, count + 1) if arguments.long else chance.sample(range(1, SYNCS + 1), count)
        faults += [(name, at * WRITES_PER_SYNC if name == "disk_full" else at) for at in places]
    if not arguments.long:
        chance.shuffle(faults)
    return faults


def run(arguments):
    chance = random.Random(f"{arguments.seed}/disk")
    traced = can_trace()
    if not traced:
        print("processes cannot be traced here: failpoints beside the commit stand in for faults of the disk")
    with Bench(arguments.signalbox, arguments.work, arguments.seed) as bench:
        bench.start()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        bench.daemon.kill()
        ends = Counter()
        for number, (name, at) in enumerate(plan(arguments, chance), 1):
            ends[f"{name}: {one_round(bench, load, name, at, traced)}"] += 1
            if number % 50 == 0:
                print(f"fault {number}: {load.counts['answered']} answered", flush=True)
        bench.away()
        bench.start()
        load.stop()
        bench.daemon.wait_until_idle()
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print("\n".join(f"{count:4d} {end}" for end, count in sorted(ends.items())))
        print(f"seed={arguments.seed} {load.counts['answered 503']} requests were told to come later,"
              f" {load.counts['resent']} got no answer")
        bench.verdict()
        expect(ends["killed: ended with -9"] == arguments.kills, "a death at a sync did not happen")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/disk-rounds", help="folder for store and logs, made afresh")
    parser.add_argument("--kills", type=int, help="deaths at a sync; 20, with --long at each of the first 300")
    parser.add_argument("--sync-failures", type=int, help="syncs that fail; 6, with --long 100")
    parser.add_argument("--full", type=int, help="times that the disk is full; 6, with --long 100")
    parser.add_argument("--long", action="store_true", help="every sync and write from the first on, one by one")
    parser.add_argument("--seed", default="1", help="repeats the senders' stories and the places of the faults")
    arguments = parser.parse_args()
    counts = (300, 100, 100) if arguments.long else (4, 2, 2) if SLOW else (20, 6, 6)
    for name, count in zip(("kills", "sync_failures", "full"), counts):
        if getattr(arguments, name) is None:
            setattr(arguments, name, count)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
