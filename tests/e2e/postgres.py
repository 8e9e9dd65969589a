#!/usr/bin/env python3
"""The daemon and its commands on PostgreSQL: servers that cannot be trusted, owners that are taken over, migrations, and
a journal whose old rows are taken away."""
import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402
from rig.stores import Cluster, PostgresServer  # noqa: E402

TENANT = {"tenant.yaml": "name: desk\n", "rules.yaml": """\
rules:
  - id: urgent-ticket
    on: ticket.created
    when: { ticket.priority: urgent }
    then: [ { set: { ticket.queue: fast } } ]
"""}
LEASE = ("--lease", "2s")
CANARY = "only-the-erased-one-said-this"
# A superuser takes the last row of a stream away and moves its head back.
CUT_TAIL = """SET session_replication_role = replica;
DO $$
DECLARE
    cut record;
BEGIN
    SELECT j.stream, j.seq INTO cut FROM signalbox.journal j JOIN signalbox.streams s ON s.id = j.stream
    WHERE j.cause_event = 'told-later' ORDER BY j.seq DESC LIMIT 1;
    DELETE FROM signalbox.journal WHERE stream = cut.stream AND seq = cut.seq;
    UPDATE signalbox.streams s SET seq = cut.seq - 1, hash = j.hash FROM signalbox.journal j
    WHERE s.id = cut.stream AND j.stream = cut.stream AND j.seq = cut.seq - 1;
END $$"""
# What is in the journal now is soon older than a second: its partition is cut behind it.
FIRST_PARTITION_ENDS_SOON = """DO $$
DECLARE
    cut timestamptz := clock_timestamp() + interval '1 second';
    part record;
    rest text;
BEGIN
    SELECT * INTO part FROM signalbox.journal_partitions WHERE detached IS NULL ORDER BY lower LIMIT 1;
    rest := part.name || '_rest';
    EXECUTE format('ALTER TABLE signalbox.journal DETACH PARTITION signalbox.%I', part.name);
    EXECUTE format('ALTER TABLE signalbox.journal ATTACH PARTITION signalbox.%I FOR VALUES FROM (%L) TO (%L)',
                   part.name, part.lower, cut);
    EXECUTE format('CREATE TABLE signalbox.%I PARTITION OF signalbox.journal FOR VALUES FROM (%L) TO (%L)',
                   rest, cut, part.upper);
    UPDATE signalbox.journal_partitions SET upper = cut WHERE name = part.name;
    INSERT INTO signalbox.journal_partitions (name, lower, upper) VALUES (rest, cut, part.upper);
END $$"""


def same(found, wanted, what):
    expect(found == wanted, f"{what}: {wanted!r} expected, {found!r} came")


class Desk:
    def __init__(self, program, work):
        self.work = Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        (self.work / "tenants/desk").mkdir(parents=True)
        for name, text in TENANT.items():
            (self.work / "tenants/desk" / name).write_text(text)
        self.program = program
        self.store = PostgresServer()
        self.daemon = self.make_daemon("serve")
        self.other = self.make_daemon("other")
        self.key = ""

    def make_daemon(self, name):
        return Daemon(self.program, self.work, self.work / "tenants", {}, LEASE, self.store, name)

    def ask(self, *words, code):
        """What a command says on stderr."""
        done = subprocess.run([self.program, *words, "--store", self.store.url], capture_output=True, text=True, timeout=60)
        same(done.returncode, code, f"the exit code of {words}")
        return done.stderr

    def run(self, *words):
        """A command on another store; what it prints as JSON."""
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=60)
        same(done.returncode, 0, f"the exit code of {words}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def send(self, daemon, name, status=202, subject=None, **fields):
        event = {"specversion": "1.0", "id": name, "source": "/test", "type": "ticket.created",
                 "subject": subject or f"ticket/{name}", "data": {"ticket": {"priority": "urgent", **fields}}}
        headers = {"Content-Type": "application/cloudevents+json"}
        same(daemon.call("POST", "/v1/desk/events", event, headers, self.key)[0], status, f"the answer to {name}")

    def end(self):
        self.daemon.end()
        self.other.end()
        self.store.remove()


def check_servers(desk):
    """A server that may lose what it has committed is refused; one whose replica may lack it is warned of."""
    for setting in ("fsync", "full_page_writes"):
        with Cluster({setting: "off"}) as cluster:
            done = subprocess.run([desk.program, "serve", "--tenants", desk.work / "tenants", "--store", cluster.url(),
                                   "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
            same(done.returncode, 65, f"the exit code on a server with {setting} = off")
            expect(f"Set {setting} = on" in done.stderr, f"no remedy is said: {done.stderr}")
    warning = "replication is asynchronous"
    desk.daemon.start()
    expect(warning not in desk.daemon.log.read_text(), "warned of a replica that is not there")
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    folder = desk.work / "wal"
    folder.mkdir()
    replica = subprocess.Popen([desk.store.cluster.bin / "pg_receivewal", "-D", folder, "-d", desk.store.url],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: desk.store.ask("SELECT count(*) FROM pg_stat_replication") == ["1"], "no replica comes")
        desk.daemon.start()
        expect(warning in desk.daemon.log.read_text(), "nobody was warned of a replica that may lack commits")
        same(desk.daemon.stop(), 0, "the exit code of a stop")
    finally:
        replica.kill()
        replica.wait()


def check_owners(desk):
    """Who finds the store taken, at the start or later, ends with 69: nothing of it is in doubt."""
    desk.daemon.start()
    desk.key = desk.daemon.make_key("desk")
    desk.send(desk.daemon, "first")
    desk.other.command("serve", "--tenants", desk.other.folder, "--listen", "127.0.0.1:0", code=69)
    desk.other.stand_by()
    expect("owned by process " in desk.other.reason(), desk.other.reason())
    same(desk.other.call("GET", "/livez")[0], 200, "whether one that stands by is alive")
    desk.send(desk.other, "early", status=503)
    began = time.monotonic()
    desk.daemon.process.send_signal(signal.SIGSTOP)
    desk.other.wait_until_ready()
    expect(time.monotonic() - began > 1.0, "a paused owner lost the store within its lease")
    desk.send(desk.other, "second")
    desk.daemon.process.send_signal(signal.SIGCONT)
    same(desk.daemon.wait_for_end(), 69, "the exit code of an owner that was taken over")
    desk.daemon.stand_by()
    desk.other.kill()
    desk.daemon.wait_until_ready()
    desk.send(desk.daemon, "third")


def check_migrations(desk):
    """A live owner is not migrated under; a schema that lacks something is refused with the remedy."""
    same(desk.daemon.command("migrate", "up"), "Nothing was missing.\n", "what `migrate up` says")
    desk.daemon.command("migrate", "up", "--partitions", "3", code=65)
    newest = json.loads(desk.daemon.command("migrate", "status", "--json"))["applied"][-1]["number"]
    desk.store.ask(f"CREATE TABLE kept AS SELECT * FROM signalbox.migrations WHERE number = {newest};"
                   f"DELETE FROM signalbox.migrations WHERE number = {newest}")
    desk.daemon.command("migrate", "status", code=1)
    expect("-- migration" in desk.daemon.command("migrate", "plan"), "the plan is empty")
    desk.daemon.command("migrate", "up", code=69)
    desk.other.command("keys", "list", code=65)
    desk.store.ask("INSERT INTO signalbox.migrations SELECT * FROM kept")


def check_retention(desk):
    """The owner takes old rows away, journals it in every tenant, and says what can no longer be told."""
    same(json.loads(desk.daemon.command("retention", "--keep", "1d", "--json"))["partitions"], [], "what is old")
    desk.store.ask(FIRST_PARTITION_ENDS_SOON)
    planned = lambda: json.loads(desk.daemon.command("retention", "--keep", "1s", "--dry-run", "--json"))
    wait_until(lambda: planned()["partitions"], "the partition does not become old")
    same(planned()["rows"], 8, "rows of three events, a key and an activation")
    gone = json.loads(desk.daemon.command("retention", "--keep", "1s", "--json"))
    same(len(gone["partitions"]), 1, gone)
    same(desk.store.ask(f"SELECT count(*) FROM signalbox.{gone['partitions'][0]}_detached"), [str(gone["rows"])], "rows")
    (row,) = desk.daemon.records("audit", "list", "--kind", "retention")
    same((row["stream"], row["body"]["partitions"]), ("control", gone["partitions"]), "the journal's word of it")
    expect(row["actor"].startswith("operator:"), row)
    desk.daemon.command("audit", "verify")
    for words in (("explain", "first"), ("history", "ticket/first")):
        said = desk.ask(*words, code=1)
        expect("taken away by retention" in said, said)
    desk.send(desk.daemon, "first", status=200)  # still known
    desk.send(desk.daemon, "fourth")
    desk.send(desk.daemon, "again", subject="ticket/third")
    desk.daemon.command("explain", "fourth")
    expect("taken away by retention" in desk.ask("history", "ticket/third", code=0), "history does not say what is gone")
    expect("taken away by retention" in desk.ask("explain", "again", code=1), "explain does not say what it lacks")
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    desk.store.ask(FIRST_PARTITION_ENDS_SOON)
    wait_until(lambda: planned()["partitions"], "the partition does not become old")
    desk.daemon.command("retention", "--keep", "1s")  # without a daemon it is performed here
    same(len(desk.daemon.records("audit", "list", "--kind", "retention")), 1, "the first word of it is gone itself")
    desk.daemon.start()
    # The rule set's activation is gone with the old rows, and said again behind them; the start has nothing to add.
    (activation,) = desk.daemon.records("audit", "list", "--kind", "activation")
    same(activation["body"]["carried"]["seq"], 1, "where the activation stood first")
    desk.daemon.command("audit", "verify", "--deep")
    desk.daemon.command("audit", "verify", "--reexecute")
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    desk.daemon.command("retention", "--keep", "nonsense", code=2)
    # What was taken away cannot be computed again, and that is said.
    desk.daemon.command("rebuild", "--check")
    expect("taken away by retention" in desk.ask("rebuild", "--replace", code=65), "rebuild does not say what it lacks")
    desk.daemon.command("rebuild", "--check")  # nor did it begin
    # What is left can be saved and restored, and goes on from where it begins.
    late, restored = desk.work / "late.db", desk.work / "restored.db"
    desk.daemon.command("backup", "--to", late)
    desk.run("restore", "--from", late, "--store", f"sqlite:///{restored}")
    (here,) = desk.daemon.records("audit", "verify", "--deep")
    (saved,) = desk.run("audit", "verify", "--deep", "--json", "--store", f"sqlite:///{late}")
    (there,) = desk.run("audit", "verify", "--deep", "--json", "--store", f"sqlite:///{restored}")
    same((saved["rows"], there["rows"], there["faults"]), (here["rows"], here["rows"] + 1, []), "rows: one says what was restored")
    desk.run("rebuild", "--check", "--store", f"sqlite:///{restored}")


def check_proof(desk):
    """Who is erased is gone from the tables, and checkpoints find a tail that was cut off with a head that fits."""
    sink, key = desk.work / "sink", desk.work / "sink.key"
    desk.daemon.start("--checkpoints", sink, "--checkpoint-key", key, "--checkpoint-rows", "5", "--checkpoint-every", "1s")
    for number in range(8):
        desk.send(desk.daemon, f"told-{number}", subject="ticket/person", description=f"{CANARY} {number}" * 400)
        desk.send(desk.daemon, f"beside-{number}")
    erased = json.loads(desk.daemon.command("erase", "--subject", "ticket/person", "--reason", "request 9", "--json"))
    same(erased["rows"], 16, "rows of eight events and their decisions")
    desk.send(desk.daemon, "told-later", subject="ticket/person")
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    signed = ("--checkpoints", sink, "--key", f"{key}.pub")
    report = json.loads(desk.daemon.command("audit", "verify", "--deep", "--json", *signed))
    same((report["ok"], report["erased_bodies"]), (True, 16), "what is proved")
    expect(report["signed_heads"] > 0, f"no checkpoint was met: {report}")
    dump = subprocess.run([desk.store.cluster.bin / "pg_dump", desk.store.url], capture_output=True, check=True).stdout
    expect(b"beside-3" in dump and CANARY.encode() not in dump, "the tables hold what was erased")
    desk.daemon.command("rebuild", "--check")
    desk.daemon.command("audit", "verify", "--reexecute")
    desk.store.ask(CUT_TAIL)
    expect(json.loads(desk.daemon.command("audit", "verify", "--json"))["ok"], "it was found without checkpoints")
    expect(not json.loads(desk.daemon.command("audit", "verify", "--json", *signed, code=1))["ok"], "the cut is not found")
    desk.daemon.command("serve", "--tenants", desk.daemon.folder, "--listen", "127.0.0.1:0", "--checkpoints", sink,
                        "--checkpoint-key", key, code=65)


def check_questions(desk):
    """By rule, kind, subject and time."""
    listed = lambda *words: [row["event"] for row in desk.daemon.records("audit", "list", *words)]
    same(listed("--rule", "urgent-ticket"), ["first", "second", "third"], "decisions of the rule")
    same(listed("--rule", "urgent-ticket", "--limit", "1"), ["third"], "the newest decision of the rule")
    same(listed("--rule", "nobody"), [], "decisions of a rule that is not there")
    same(listed("--subject", "ticket/second"), ["second", "second"], "rows about a subject")
    same(listed("--kind", "event", "--since", "1h"), ["first", "second", "third"], "events of the last hour")
    same(listed("--kind", "event", "--until", "1h"), [], "events before the last hour")
    desk.daemon.command("audit", "list", "--since", "whenever", code=2)
    desk.daemon.command("audit", "verify")


def run(arguments):
    desk = Desk(arguments.signalbox, arguments.work)
    try:
        for check in (check_servers, check_owners, check_migrations, check_questions, check_retention,
                      check_proof):
            check(desk)
            print(f"{check.__name__}: fine", flush=True)
    finally:
        desk.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/e2e-postgres", help="folder for logs, made afresh")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
