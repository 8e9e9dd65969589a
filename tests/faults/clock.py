#!/usr/bin/env python3
"""The clock of the machine jumps under load, forward and back, while the daemon lives and while it is dead, again and
again on the same store. Timers, waits, escalations and what waits for people all hang on the clock: none may be lost
and none may happen twice.

The daemon's clock is a library that is loaded before it (tests/support/clock_shim.cpp); senders sign by that clock.
"""
import argparse
import random
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig.bench import SLOW, Bench, scaled  # noqa: E402
from rig.daemon import exit_code_of, expect, wait_until  # noqa: E402

EVENTS_PER_SECOND = 200
PAUSE_SECONDS = (0.05, 1.0)
# At once. A vendor's signature is good for five minutes: one made before a jump has to be good after it.
JUMP_SECONDS = (-120, 200)
DEATHS = 0.3  # of the jumps happen while nobody runs
SHIM = "tests/e2e/libclock_shim.so"  # beside the program's folder


class JumpingClock:
    """Seconds that the daemon's clock is ahead, in a file that is replaced in one step: half of it is none."""

    def __init__(self, path):
        self.path = Path(path)
        self.ahead = self.most = 0
        self.set(0)

    def set(self, seconds):
        new = self.path.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.rename(self.path)
        self.ahead, self.most = seconds, max(self.most, seconds)


def jump(bench, load, clock, chance):
    answered = load.counts["answered"]
    wait_until(lambda: load.counts["answered"] > answered or not load.alive(), "nobody gets an answer", pause=0.002)
    time.sleep(chance.uniform(*PAUSE_SECONDS))  # the moment is what is random here, nothing waits for anything
    dies = chance.random() < DEATHS
    if dies:
        bench.daemon.kill()
        bench.away()
    clock.set(clock.ahead + chance.randint(*JUMP_SECONDS))
    load.ahead = clock.ahead
    if dies:
        bench.start()
    return dies


def run(arguments):
    chance = random.Random(f"{arguments.seed}/clock")
    shim = arguments.shim or Path(arguments.signalbox).resolve().parents[1] / SHIM
    expect(Path(shim).exists(), f"there is no {shim}: build the target clock_shim, or say --shim")
    with Bench(arguments.signalbox, arguments.work, arguments.seed, store=arguments.store, clock_jumps=True) as bench:
        clock = JumpingClock(bench.work / "clock")
        bench.daemon.environment.update(LD_PRELOAD=str(Path(shim).resolve()), SIGNALBOX_TEST_CLOCK=str(clock.path))
        bench.start()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        deaths = 0
        for number in range(1, arguments.rounds + 1):
            deaths += jump(bench, load, clock, chance)
            if number % 50 == 0:
                print(f"round {number}: {load.counts['answered']} answered", flush=True)
        load.stop()
        clock.set(clock.most + 60)  # what was set while the clock was farthest ahead is due at last
        bench.daemon.wait_until_idle(240)
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print(f"rounds={arguments.rounds} deaths={deaths} seed={arguments.seed} resent={load.counts['resent']}"
              f" ahead_at_most_s={clock.most}")
        found = bench.verdict()
        expect(found["counts"]["acked"] > arguments.rounds, "hardly anything was tried")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--shim", help="the library that lets its clock jump; else that of the same build")
    parser.add_argument("--work", default="build/clock-rounds", help="folder for store and logs, made afresh")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    parser.add_argument("--rounds", type=int, help="how often it jumps; 30, with --long 1000")
    parser.add_argument("--long", action="store_true", help="1000 rounds")
    parser.add_argument("--seed", default="", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1000 if arguments.long else 10 if SLOW else 30)
    arguments.seed = arguments.seed or str(random.SystemRandom().randrange(1_000_000) if arguments.long else 1)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
