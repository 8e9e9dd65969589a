#!/usr/bin/env python3
"""Backups under load, restoring and copying, and kill -9 in the middle of each: what is there is whole or is refused.

What was acknowledged before a backup began has to be in it; the journal in it has to follow from its own rows, as the
judge computes them; a daemon has to start on what was restored and go on.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig import judge, tenant  # noqa: E402
from rig.bench import SLOW, Bench, scaled  # noqa: E402
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402
from rig.stores import SqliteFile  # noqa: E402

EVENTS_PER_SECOND = 400
ANSWERED_FIRST = 1500
DEATHS = 2 if SLOW else 5
REFUSED = (65, 69)  # not whole; not there


class Place:
    """A store that is not there yet; `kept` is what the daemon's rig asks about waiting work."""

    def __init__(self, kept, url):
        self.kept, self.url = kept, url


class Mover:
    def __init__(self, bench, arguments):
        self.bench = bench
        self.program = os.path.abspath(arguments.signalbox)
        self.work = bench.work
        self.chance = random.Random(f"{arguments.seed}/moving")
        self.places = 0

    def run(self, *words, code=0):
        return self.bench.daemon.command(*words, store=False, code=code)

    def report(self, *words):
        return json.loads(self.run(*words, "--json"))

    def start(self, *words):
        """Runs beside the test."""
        return subprocess.Popen([self.program, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                env=self.bench.daemon.environment)

    def new_file(self):
        self.places += 1
        folder = self.work / f"place{self.places}"
        folder.mkdir()
        kept = SqliteFile(folder)
        return Place(kept, kept.url)

    def new_database(self):
        self.places += 1
        name = f"place{self.places}"
        self.bench.store.ask(f"CREATE DATABASE {name}")
        return Place(None, self.bench.store.cluster.url(name))

    def new_place(self):
        return self.new_database() if self.bench.store.name == "postgresql" else self.new_file()

    def kill_midway(self, seconds, *words, earliest=0.02):
        """kill -9 at some moment of the time it takes. False when it had ended before."""
        process = self.start(*words)
        time.sleep(seconds * self.chance.uniform(earliest, 0.95))  # the moment is what is random here
        process.kill()
        process.wait()
        process.stderr.close()
        return process.returncode != 0


def heads_of(report):
    return sorted((head["tenant"], head["stream"], head["seq"], head["hash"]) for head in report["heads"])


def check_backup(mover, file, report, acked_before):
    """It holds what was acknowledged before it began, and follows from itself."""
    url = f"sqlite:///{file}"
    expect("all good" in mover.run("audit", "verify", "--store", url), "audit verify says nothing")
    export = mover.work / "backup.jsonl"
    export.write_text(mover.run("audit", "export", "--store", url))
    tally = judge.Tally()
    journal = judge.Journal(export, tally)
    expect(not tally.faults, f"the backup's journal: {tally.shown}")
    missing = [key for key in acked_before if not journal.times_seen[key]]
    expect(not missing, f"{len(missing)} acknowledged events are not in the backup, such as {missing[:3]}")
    expect(all(times == 1 for times in journal.times_seen.values()), "an event is in the backup twice")
    expect(journal.rows == report["rows"], f"{journal.rows} rows are in the backup, {report['rows']} were said")
    last = {(tenant.NAME, stream): (seq, digest.hex()) for (_, stream), (seq, digest) in journal.heads.items()}
    said = {(head["tenant"], head["stream"]): (head["seq"], head["hash"]) for head in report["heads"]}
    expect(last == said, f"the heads are {last}, not {said}")
    left = [path.name for path in file.parent.glob(file.name + "*")]
    expect(set(left) <= {file.name, file.name + "-wal", file.name + "-shm"}, f"the backup has left {left}")
    return len(journal.times_seen)


def back_up_under_load(mover, load):
    """Gives the file and its report; senders go on all the while."""
    file = mover.work / "backup.db"
    before = time.monotonic()
    report = mover.report("backup", "--store", mover.bench.store.url, "--to", file)
    seconds = time.monotonic() - before
    answered = load.counts["answered"]
    wait_until(lambda: load.counts["answered"] > answered + 100, "nobody is answered after the backup")
    known = judge.Load(mover.work / "load.jsonl")
    acked = [key for key, when in known.acked.items() if when < before]
    expect(len(acked) > scaled(ANSWERED_FIRST) / 4, f"only {len(acked)} events were acknowledged before")
    events = check_backup(mover, file, report, acked)
    mover.run("backup", "--store", mover.bench.store.url, "--to", file, code=2)
    print(f"backup: {report['rows']} rows, {len(acked)} events acknowledged before, {events} in it, {seconds:.2f} s")
    return file, report, seconds


def kill_backups(mover, seconds):
    """What a killed backup leaves passes for nothing, and is in nobody's way."""
    file = mover.work / "killed.db"
    url = mover.bench.store.url
    deaths = 0
    for _ in range(DEATHS):
        deaths += mover.kill_midway(seconds, "backup", "--store", url, "--to", file)
        unfinished = Path(f"{file}.unfinished")
        if file.exists():  # it had ended
            file.unlink()
        elif unfinished.exists():
            done = subprocess.run([mover.program, "audit", "verify", "--store", f"sqlite:///{unfinished}"],
                                  capture_output=True, text=True)
            # One that only lacked its check and its name is whole, and does not pass for a backup by its name.
            whole = done.returncode == 0 and "all good" in done.stdout
            expect(whole or done.returncode in REFUSED, f"an unfinished backup: {done.returncode} {done.stdout} {done.stderr}")
    report = mover.report("backup", "--store", url, "--to", file, "--force")
    expect(report["verified"], "the backup after the deaths was not checked")
    expect(not Path(f"{file}.unfinished").exists(), "a backup has left its unfinished file")
    print(f"backups killed: {deaths} of {DEATHS}")


def restore_and_kill(mover, file, report):
    """Gives a place that was restored after deaths in the middle of it."""
    before = time.monotonic()
    mover.run("restore", "--from", file, "--store", mover.new_place().url)
    seconds = time.monotonic() - before
    place = mover.new_place()
    deaths = refused = 0
    for _ in range(DEATHS):
        died = mover.kill_midway(seconds, "restore", "--from", file, "--store", place.url, earliest=0.3)
        done = subprocess.run([mover.program, "audit", "verify", "--store", place.url], capture_output=True, text=True)
        whole = done.returncode == 0 and done.stdout.startswith(f"{report['rows'] + 1} rows")
        if not died or whole:  # it had ended, or had nothing more to do
            expect(whole, f"a restore that ended: {done.stdout} {done.stderr}")
            place = mover.new_place()
            continue
        deaths += 1
        # A schema that was made and nothing more is the empty store that a restore begins with.
        empty = done.returncode == 0 and done.stdout.startswith("0 rows in 0 streams") and place.kept is None
        expect(done.returncode in REFUSED or empty,
               f"an unfinished restore: {done.returncode} {done.stdout} {done.stderr}")
        refused += done.returncode == 65
        if done.returncode == 65:
            again = subprocess.run([mover.program, "serve", "--store", place.url, "--tenants", mover.bench.daemon.folder,
                                    "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60,
                                   env=mover.bench.daemon.environment)
            expect(again.returncode == 65 and "not whole" in again.stderr, f"serve took it: {again.stderr[-500:]}")
    restored = mover.report("restore", "--from", file, "--store", place.url)
    expect(heads_of(restored) == heads_of(report), "the heads restored are not those of the backup")
    expect(restored["counts"] == report["counts"], f"{restored['counts']} restored of {report['counts']}")
    mover.run("restore", "--from", file, "--store", place.url, code=65)
    acts = [json.loads(line) for line in mover.run("audit", "export", "--store", place.url).splitlines()]
    acts = [json.loads(row["body"]) for row in acts if row["kind"] == "operator_act" and row["stream"] == "control"]
    acts = [act for act in acts if act["command"] == "restore"]
    expect(len(acts) == 1 and sorted(map(tuple, (head.items() for head in acts[0]["arguments"]["heads"]))) ==
           sorted(map(tuple, (head.items() for head in report["heads"]))), f"the act is {acts}")
    print(f"restores killed: {deaths} of {DEATHS}, {refused} stores refused as not whole")
    return place


def go_on(mover, place):
    """A daemon starts on the place, does what was left to do, and takes events."""
    folder = mover.work / "again"
    folder.mkdir()
    daemon = Daemon(mover.program, folder, mover.bench.daemon.folder, tenant.SECRETS, ("--log-level", "warn"),
                    place.kept or Database(mover.bench.store, place.url))
    try:
        daemon.start()
        refused = mover.new_file()
        mover.run("copy", "--from", place.url, "--to", refused.url, code=69)
        mover.run("restore", "--from", mover.work / "backup.db", "--store", place.url, code=69)
        event = {"specversion": "1.0", "id": "after", "source": "/crm", "type": "ticket.created",
                 "subject": "ticket/after", "data": {"ticket": {"subject": "after"}}}
        headers = {"Content-Type": "application/cloudevents+json"}
        status, _, body = daemon.call("POST", f"/v1/{tenant.NAME}/events", event, headers, mover.bench.key)
        expect(status == 202, f"an event after the restore was answered {status}: {body}")
        live = mover.new_file()
        mover.report("copy", "--from", place.url, "--to", live.url, "--live")
        daemon.wait_until_idle(240)
        expect(daemon.stop() == 0, "the daemon on the restored store did not stop as it should")
    finally:
        daemon.end()
    expect("all good" in mover.run("audit", "verify", "--store", place.url), "the restored store is damaged")


class Database:
    """One of the cluster's databases, as the daemon's rig asks about waiting work."""

    def __init__(self, server, url):
        self.server, self.url = server, url
        self.environment = {"SIGNALBOX_CHECKPOINTS": f"{server.cluster.folder}/{url.rsplit('/', 1)[1]}.checkpoints"}

    def ask(self, statement):
        done = subprocess.run([self.server.cluster.bin / "psql", self.url, "-XqtA", "-c", statement],
                              capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.splitlines()

    def waiting(self):
        return int(self.ask("SELECT count(*) FROM signalbox.pending")[0]), self.ask("SELECT body FROM signalbox.outbox")


def copy_around(mover, place):
    """To the other kind of store and back: the same heads and counts."""
    there = mover.new_file()
    first = mover.report("copy", "--from", place.url, "--to", there.url)
    back = mover.new_place()
    second = mover.report("copy", "--from", there.url, "--to", back.url)
    expect(heads_of(first) == heads_of(second) and first["counts"] == second["counts"], "a copy differs")
    mover.run("copy", "--from", there.url, "--to", back.url, code=65)
    exports = [mover.run("audit", "export", "--store", one.url) for one in (place, there, back)]
    expect(exports[0] == exports[1] == exports[2], "the journals of the copies differ")
    print(f"copied there and back: {first['rows']} rows, {first['seconds']:.2f} s and {second['seconds']:.2f} s")


def run(arguments):
    with Bench(arguments.signalbox, arguments.work, arguments.seed, store=arguments.store) as bench:
        mover = Mover(bench, arguments)
        bench.start()
        load = bench.load(0, rate=scaled(EVENTS_PER_SECOND), workers=16)
        wait_until(lambda: load.counts["answered"] > scaled(ANSWERED_FIRST), "nobody gets an answer", 240)
        file, report, seconds = back_up_under_load(mover, load)
        kill_backups(mover, seconds)
        load.stop()
        bench.daemon.wait_until_idle(240)
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        bench.verdict()
        place = restore_and_kill(mover, file, report)
        go_on(mover, place)
        copy_around(mover, place)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/moving", help="folder for stores and logs, made afresh")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    parser.add_argument("--seed", default="1", help="repeats the senders' stories and the moments of death")
    return exit_code_of(run, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
