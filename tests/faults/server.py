#!/usr/bin/env python3
"""A PostgreSQL server that fails under load, again and again: its postmaster is killed as by a power cut and started
again, or the sessions of the daemon are ended while they commit. The daemon stays; nothing may be missing at the end.

Commits take a while here (a deferred trigger sleeps in some of them), so that sessions end during COMMIT too, where the
daemon does not hear whether it was done.
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
PAUSE_SECONDS = (0.1, 0.6)
ANSWERS = 20  # after so many the server has been lived with again

# One commit in twenty takes 30 ms, after everything is written and before it is durable.
SLOW_COMMITS = """
CREATE FUNCTION signalbox.dawdle() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF random() < 0.05 THEN PERFORM pg_sleep(0.03); END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER UPDATE ON signalbox.owners DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION signalbox.dawdle();
"""
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'signalbox'"


def live_again(bench, load):
    """Until senders are answered 2xx again."""
    accepted = load.counts["answered"]
    wait_until(lambda: load.counts["answered"] >= accepted + ANSWERS or not load.alive(), "nobody gets an answer")
    expect(bench.daemon.running(), "the daemon ended")


def kill_server(bench, chance):
    bench.store.cluster.kill()
    time.sleep(chance.uniform(0, 0.3))
    bench.store.cluster.start()


def end_sessions(bench, _):
    bench.store.ask(END_SESSIONS)


def run(arguments):
    chance = random.Random(f"{arguments.seed}/server")
    with Bench(arguments.signalbox, arguments.work, arguments.seed, store="postgresql") as bench:
        bench.start()
        bench.store.ask(SLOW_COMMITS)
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        faults = [kill_server] * arguments.kills + [end_sessions] * arguments.terminations
        chance.shuffle(faults)
        for number, fault in enumerate(faults, 1):
            live_again(bench, load)
            time.sleep(chance.uniform(*PAUSE_SECONDS))  # the moment is what is random here
            fault(bench, chance)
            if number % 20 == 0:
                print(f"fault {number}: {load.counts['answered']} answered", flush=True)
        live_again(bench, load)
        load.stop()
        bench.daemon.wait_until_idle(240)
        doubts = bench.daemon.log.read_text(errors="replace").count("a commit is in doubt")
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        print(f"kills={arguments.kills} terminations={arguments.terminations} seed={arguments.seed}"
              f" resent={load.counts['resent']} commits_in_doubt={doubts}")
        found = bench.verdict()
        expect(found["counts"]["acked"] > len(faults), "hardly anything was tried")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/server-rounds", help="folder for logs, made afresh")
    parser.add_argument("--kills", type=int, help="of the postmaster; 5, with --long 100")
    parser.add_argument("--terminations", type=int, help="of the daemon's sessions; 10, with --long 200")
    parser.add_argument("--long", action="store_true", help="100 kills and 200 terminations")
    parser.add_argument("--seed", default="", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    if arguments.kills is None:
        arguments.kills = 100 if arguments.long else 2 if SLOW else 5
    if arguments.terminations is None:
        arguments.terminations = 200 if arguments.long else 3 if SLOW else 10
    arguments.seed = arguments.seed or str(random.SystemRandom().randrange(1_000_000) if arguments.long else 1)
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
