#!/usr/bin/env python3
"""Death at each named failpoint under load, again and again on the same store; at the end nothing may be missing.

The points are those of engine/base/failpoint.h. Each one is passed a random number of times before it kills; commands,
new rules and orderly stops are given where only they pass it. A point that does not kill fails the round.
"""
import argparse
import random
import re
import sys
import threading
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import tenant  # noqa: E402
from rig.bench import SLOW, Bench, scaled  # noqa: E402
from rig.daemon import Failed, exit_code_of, expect, wait_until  # noqa: E402

HEADER = Path(__file__).resolve().parents[2] / "engine/base/failpoint.h"
EVENTS_PER_SECOND = 200
PASSES_MAX = 60  # a point kills at one of so many passes
ANSWERS = 5  # so many before a command is given
ONCE = {"start.owned", "start.resumed", "command.performed", "activation.kept", "activation.journaled", "drain.begun"}


def names():
    found = re.findall(r'^\s+"([a-z]+\.[a-z]+)",', HEADER.read_text(), re.MULTILINE)
    assert len(found) > 10, "the header does not list its points as it did"
    # This tenant looks nothing up: tests/e2e/lookups.py dies there.
    return [name for name in found if not name.startswith("lookup.")]


class Rounds:
    def __init__(self, bench, load, chance):
        self.bench, self.load, self.chance = bench, load, chance
        self.rules = 0
        self.died = Counter()

    def stimulate(self, name):
        """What passes the points that no event passes. Nobody waits for an answer that a death prevents."""
        def give(*words):
            try:
                self.bench.daemon.command(*words)
            except (Failed, OSError):
                pass
        words = None
        if name == "command.performed":
            words = ("keys", "create", "--tenant", tenant.NAME)
        elif name.startswith("activation."):
            self.rules += 1
            folder = self.bench.work / "pushed" / tenant.NAME
            tenant.write_tenant(folder, self.bench.destination.url)
            (folder / "rules.yaml").write_text(f"# {self.rules}\n{tenant.RULES}")
            words = ("rules", "push", folder)
        elif name == "drain.begun":
            self.bench.daemon.terminate()
        if words:
            threading.Thread(target=give, args=words, daemon=True).start()

    def die_at(self, name):
        """Starts with the point armed, lets it kill, and starts again without."""
        daemon, load = self.bench.daemon, self.load
        passes = 1 if name in ONCE else self.chance.randint(1, PASSES_MAX)
        daemon.environment["SIGNALBOX_FAILPOINTS"] = f"{name}=kill@{passes}"
        try:
            self.bench.start()
            answered = load.counts["answered"]
            wait_until(lambda: load.counts["answered"] >= answered + ANSWERS or not daemon.running(), "nobody is answered")
            self.stimulate(name)
        except Failed:
            expect(daemon.ends_within(10), f"{name}: the daemon does not start")
        expect(daemon.ends_within(60), f"{name}: passed {passes} times, and it did not kill")
        code = daemon.wait_for_end()
        expect(code == -9, f"{name} ended the daemon with {code}")
        self.bench.away()
        daemon.environment.pop("SIGNALBOX_FAILPOINTS")
        self.died[name] += 1


def run(arguments):
    chance = random.Random(f"{arguments.seed}/points")
    points = names() * arguments.hits
    chance.shuffle(points)
    with Bench(arguments.signalbox, arguments.work, arguments.seed, store=arguments.store) as bench:
        bench.start()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        bench.daemon.kill()
        rounds = Rounds(bench, load, chance)
        for number, name in enumerate(points, 1):
            rounds.die_at(name)
            if number % 50 == 0:
                print(f"round {number}: {load.counts['answered']} answered", flush=True)
        bench.start()
        load.stop()
        bench.daemon.wait_until_idle(240)
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print(f"points={len(rounds.died)} hits={sum(rounds.died.values())} least={min(rounds.died.values())}"
              f" seed={arguments.seed} resent={load.counts['resent']}")
        expect(len(rounds.died) == len(names()), "a point was left out")
        bench.verdict()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/point-rounds", help="folder for store and logs, made afresh")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    parser.add_argument("--hits", type=int, help="deaths at each point; 1, with --long 20")
    parser.add_argument("--long", action="store_true", help="20 deaths at each point")
    parser.add_argument("--seed", default="", help="repeats the senders' stories and the order of the points")
    arguments = parser.parse_args()
    arguments.hits = arguments.hits or (20 if arguments.long else 1)
    arguments.seed = arguments.seed or str(random.SystemRandom().randrange(1_000_000) if arguments.long else 1)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
