#!/usr/bin/env python3
"""kill -9 at random moments under load, again and again on the same store; at the end nothing may be missing.

Senders go on over all rounds and send again what got no answer; the destination goes on too, and fails at times. After
the last round everything is delivered, the daemon is stopped, and the judge compares what was sent, what arrived and
what the journal says.
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

EVENTS_PER_SECOND = 300
LIFE_SECONDS = (0.05, 1.0)
LONG_LIFE_SECONDS = (0.05, 2.0)
FEW_IN_MEMORY = ("--outbox-memory-max", "10")  # the others leave from the store
READY_SECONDS_MAX = 20.0  # of one restart; the figure printed is what counts


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def one_round(bench, load, chance, lives):
    """Lets the daemon live for a while, from the moment on that it answers senders again, then kills it."""
    answered = load.counts["answered"]
    wait_until(lambda: load.counts["answered"] > answered or not load.alive(), "nobody gets an answer", pause=0.002)
    time.sleep(chance.uniform(*lives))  # the moment of death is what is random here, nothing waits for anything
    bench.daemon.kill()
    bench.away()
    return bench.start()


def run(arguments):
    chance = random.Random(f"{arguments.seed}/kill")
    lives = LONG_LIFE_SECONDS if arguments.long else LIFE_SECONDS
    rate = scaled(EVENTS_PER_SECOND)
    with Bench(arguments.signalbox, arguments.work, arguments.seed, options=FEW_IN_MEMORY, store=arguments.store) as bench:
        bench.start()
        load = bench.load(0, rate=rate, workers=16)
        starts = []
        for number in range(1, arguments.rounds + 1):
            starts.append(one_round(bench, load, chance, lives))
            if number % 50 == 0:
                print(f"round {number}: {load.counts['answered']} answered", flush=True)
        load.stop()
        bench.daemon.wait_until_idle(240)
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print(f"rounds={arguments.rounds} seed={arguments.seed} resent={load.counts['resent']}"
              f" ready_p50_ms={quantile(starts, 0.5) * 1000:.0f} ready_p99_ms={quantile(starts, 0.99) * 1000:.0f}"
              f" ready_max_ms={max(starts) * 1000:.0f}")
        found = bench.verdict()
        expect(max(starts) < READY_SECONDS_MAX, f"a restart took {max(starts):.1f} s")
        expect(load.counts["resent"] > 0 and found["counts"]["acked"] > arguments.rounds, "hardly anything was tried")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/kill-rounds", help="folder for store and logs, made afresh")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    parser.add_argument("--rounds", type=int, help="how often it is killed; 30, with --long 1000")
    parser.add_argument("--long", action="store_true", help="1000 rounds, each of up to two seconds: half an hour")
    parser.add_argument("--seed", default="", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1000 if arguments.long else 10 if SLOW else 30)
    arguments.seed = arguments.seed or str(random.SystemRandom().randrange(1_000_000) if arguments.long else 1)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
