#!/usr/bin/env python3
"""Two daemons on one PostgreSQL database under load: the owner is paused for longer than its lease, or killed, and the
one that stands by takes over; a paused one is woken then. It must commit nothing and end with 69, and nothing may be
missing at the end.

Senders write to the owner until the other one is ready, so that a woken one finds requests it has read and not answered.
"""
import argparse
import random
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig.bench import SLOW, Bench, scaled  # noqa: E402
from rig.daemon import exit_code_of, expect, wait_until  # noqa: E402

EVENTS_PER_SECOND = 200
LEASE_SECONDS = 2
LIFE_SECONDS = (0.1, 1.5)
ASLEEP_SECONDS = (0.0, 1.0)  # after the other one has taken over
END_SECONDS_MAX = 60
# Beyond the lease, and the poll of the one that stands by.
TAKE_OVER_SECONDS_MAX = 20.0
FENCED = 69


def live_for_a_while(bench, load, chance):
    """From the moment on that senders are answered again."""
    answered = load.counts["answered"]
    wait_until(lambda: load.counts["answered"] > answered or not load.alive(), "nobody gets an answer", pause=0.002)
    time.sleep(chance.uniform(*LIFE_SECONDS))  # the moment is what is random here, nothing waits for anything


def take_over(bench, began):
    bench.other.wait_until_ready()
    seconds = time.monotonic() - began
    bench.change_over()
    return seconds


def pause_owner(bench, load, chance):
    """Seconds until the other one was ready."""
    began = time.monotonic()
    bench.daemon.process.send_signal(signal.SIGSTOP)
    seconds = take_over(bench, began)
    live_for_a_while(bench, load, chance)
    time.sleep(chance.uniform(*ASLEEP_SECONDS))
    bench.other.process.send_signal(signal.SIGCONT)
    expect(bench.other.ends_within(END_SECONDS_MAX), "the woken owner does not end")
    code = bench.other.wait_for_end()
    expect(code == FENCED, f"the woken owner ended with {code}, not {FENCED}")
    return seconds


def kill_owner(bench, load, chance):
    began = time.monotonic()
    bench.daemon.kill()
    return take_over(bench, began)


def said(name, seconds):
    middle, longest = sorted(seconds)[len(seconds) // 2], max(seconds)
    return f" {name}_p50_ms={middle * 1000:.0f} {name}_max_ms={longest * 1000:.0f}"


def run(arguments):
    chance = random.Random(f"{arguments.seed}/lease")
    options = ("--lease", f"{LEASE_SECONDS}s")
    with Bench(arguments.signalbox, arguments.work, arguments.seed, options=options, store="postgresql") as bench:
        bench.start()
        bench.stand_by()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        rounds = [pause_owner] * arguments.pauses + [kill_owner] * arguments.kills
        chance.shuffle(rounds)
        took = {pause_owner: [], kill_owner: []}
        for number, change in enumerate(rounds, 1):
            live_for_a_while(bench, load, chance)
            took[change].append(change(bench, load, chance))
            bench.stand_by()
            if number % 10 == 0:
                print(f"round {number}: {load.counts['answered']} answered", flush=True)
        live_for_a_while(bench, load, chance)
        load.stop()
        bench.daemon.wait_until_idle(240)
        expect(bench.other.stop() == 0, "the one that stood by did not stop as it should")
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print(f"pauses={arguments.pauses} kills={arguments.kills} seed={arguments.seed} resent={load.counts['resent']}"
              f"{said('paused', took[pause_owner])}{said('killed', took[kill_owner])}")
        found = bench.verdict()
        expect(min(took[pause_owner]) > LEASE_SECONDS / 2, "a paused owner lost the store within its lease")
        expect(max(took[pause_owner] + took[kill_owner]) < TAKE_OVER_SECONDS_MAX, "taking over took too long")
        expect(found["counts"]["acked"] > len(rounds), "hardly anything was tried")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/lease-rounds", help="folder for logs, made afresh")
    parser.add_argument("--pauses", type=int, help="of the owner, longer than its lease; 4, with --long 100")
    parser.add_argument("--kills", type=int, help="of the owner; 3, with --long 100")
    parser.add_argument("--long", action="store_true", help="100 pauses and 100 kills")
    parser.add_argument("--seed", default="", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    if arguments.pauses is None:
        arguments.pauses = 100 if arguments.long else 2 if SLOW else 4
    if arguments.kills is None:
        arguments.kills = 100 if arguments.long else 1 if SLOW else 3
    arguments.seed = arguments.seed or str(random.SystemRandom().randrange(1_000_000) if arguments.long else 1)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
