#!/usr/bin/env python3
"""The journal that can be proved: checkpoints beside the running daemon, an old store put back, a person erased, exports
checked by the programs that the reference prints."""
import argparse
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/faults"))
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402

CANARY = "Canary-Jane-Roe-4711"
RULES = """\
rules:
  - id: tag-urgent
    on: ticket.*
    when: { ticket.priority: urgent }
    then:
      - add_tags: [urgent]
"""
SOON = ("--checkpoint-rows", "20", "--checkpoint-every", "1s")


class Desk:
    def __init__(self, program, work):
        self.work = Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        tenant = self.work / "tenants/desk"
        tenant.mkdir(parents=True)
        (tenant / "tenant.yaml").write_text("name: desk\n")
        (tenant / "rules.yaml").write_text(RULES)
        self.daemon = Daemon(program, self.work, self.work / "tenants")
        self.store = self.work / "store.db"
        self.sink = self.work / "store.db.checkpoints"
        self.key = ""
        self.sent = 0

    def start(self, *options):
        self.daemon.start(*SOON, *options)
        self.key = self.key or self.daemon.make_key("desk", "--name", "proof")

    def send(self, count=1, subject=None, **fields):
        for _ in range(count):
            self.sent += 1
            event = {"specversion": "1.0", "id": f"e{self.sent}", "source": "/proof", "type": "ticket.updated",
                     "subject": subject or f"ticket/T{self.sent % 7}",
                     "data": {"ticket": {"subject": f"event {self.sent}", **fields}}}
            status, _, content = self.daemon.call("POST", "/v1/desk/events", event, key=self.key,
                                                  headers={"Content-Type": "application/cloudevents+json"})
            expect(status == 202, f"an event was answered {status}: {content}")

    def verify(self, *words, code=0):
        return json.loads(self.daemon.command("audit", "verify", "--json", *words, code=code))

    def checkpoints(self):
        return [json.loads(line) for line in self.sink.read_text().splitlines()] if self.sink.exists() else []

    def rows(self):
        database = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)
        try:
            return database.execute("SELECT sum(seq) FROM streams").fetchone()[0]
        finally:
            database.close()

    def rows_signed(self, sink):
        heads = {}
        lines = sink.read_text().split("\n")[:-1] if sink.exists() else []
        for checkpoint in map(json.loads, lines):
            heads = {} if checkpoint.get("rollback") else heads
            heads.update({head["stream"]: head["seq"] for head in checkpoint["heads"]})
        return sum(heads.values())

    def settle(self, sink=None):
        """Until everything is decided and signed."""
        self.daemon.wait_until_idle()
        wait_until(lambda: self.rows() == self.rows_signed(sink or self.sink),
                   lambda: f"{self.rows()} rows, {self.rows_signed(sink or self.sink)} signed", pause=0.1)


def check_checkpoints(desk):
    """They are made while it runs, at its end, and by hand; a check uses them by itself."""
    desk.start()
    for _ in range(2):
        desk.send(30)
        desk.settle()
    made = len(desk.checkpoints())
    expect(made >= 2, f"{made} checkpoints, but there were two times to sign")
    report = desk.verify()
    expect(report["ok"] and report["checkpoints"] == made and report["signed_heads"] > 0, f"verified: {report}")
    expect(report["rows_per_s"] > 0 and report["seconds"] >= 0, f"no rate: {report}")
    expect(desk.verify("--deep")["ok"], "the deep check finds something")
    expect("signalbox_checkpoint_failing 0" in desk.daemon.call("GET", "/metrics")[2], "the metrics are silent")
    expect("checkpoint_unsigned_rows" in desk.daemon.call("GET", "/readyz?verbose")[2]["gauges"], "readyz is silent")
    desk.send(3)
    expect(json.loads(desk.daemon.command("audit", "checkpoint", "--json"))["last"] >= made, "none by hand")
    desk.send(3)
    expect(desk.daemon.stop() == 0, "it does not stop")
    expect(desk.rows_signed(desk.sink) == desk.verify()["rows"], "the end is not signed")
    expect(json.loads(desk.daemon.command("audit", "checkpoint", "--json"))["made"] == 0, "one of nothing")


def check_torn_line(desk):
    """What a power cut leaves of a line is cut off, and is no fault."""
    with open(desk.sink, "ab") as sink:
        sink.write(b'{"checkpoint":99,"heads":[')
    expect(desk.verify()["ok"], "a torn line is called a fault")
    desk.start()
    desk.send(1)
    desk.settle()
    desk.daemon.stop()
    expect(desk.verify()["ok"] and desk.checkpoints()[-1]["checkpoint"] != 99, "the torn line is there still")


def check_failing_sink(desk):
    """Without a place for checkpoints events go on, and the metrics say so; who requires them ends."""
    gone = desk.work / "sinks"
    gone.mkdir()
    options = ("--checkpoints", gone / "sink", "--checkpoint-key", f"{desk.sink}.key")
    desk.start(*map(str, options))
    desk.settle(gone / "sink")
    shutil.rmtree(gone)
    desk.send(30)
    wait_until(lambda: desk.daemon.gauges()["signalbox_checkpoint_failing"] == 1, "nobody says that the sink fails")
    expect(desk.daemon.call("GET", "/readyz")[0] == 200, "it is not ready for want of a sink")
    gone.mkdir()
    wait_until(lambda: desk.daemon.gauges()["signalbox_checkpoint_failing"] == 0, "it does not try again")
    desk.daemon.stop()
    desk.start(*map(str, options), "--checkpoints-required")
    desk.settle(gone / "sink")
    shutil.rmtree(gone)
    try:
        desk.send()  # no more: it ends at the first that cannot be signed
    except ConnectionError:
        pass  # it looked for its sink before, as it does once it has begun
    expect(desk.daemon.wait_for_end() == 74, "it goes on without the checkpoints that are required")
    desk.daemon.command("serve", "--tenants", desk.work / "tenants", "--listen", "127.0.0.1:0", "--checkpoints", "none",
                        "--checkpoints-required", code=78)
    desk.start()
    desk.settle()
    desk.daemon.stop()
    expect(desk.verify()["ok"], "the journal has a fault")


def check_forgery(desk):
    """A tail that was cut off, with a head that fits, is found by the checkpoints and by nothing else."""
    copy = desk.work / "forged.db"
    shutil.copy(desk.store, copy)
    with sqlite3.connect(copy) as database:
        stream, seq = database.execute("SELECT id, seq FROM streams WHERE name <> 'control' ORDER BY seq DESC").fetchone()
        last = (stream << 40) + seq
        database.execute("DELETE FROM journal WHERE position = ?", (last,))
        database.execute("UPDATE streams SET seq = seq - 1, hash = (SELECT hash FROM journal WHERE position = ?)"
                         " WHERE id = ?", (last - 1, stream))
    database.close()
    words = ("audit", "verify", "--json", "--store", f"sqlite:///{copy}")
    expect(json.loads(desk.daemon.command(*words, store=False))["ok"], "it was found without checkpoints")
    signed = ("--checkpoints", desk.sink, "--key", f"{desk.sink}.key.pub")
    faults = json.loads(desk.daemon.command(*words, *signed, store=False, code=1))["faults"]
    expect(len(faults) == 1 and 0 < faults[0]["seq"] <= seq, f"the cut is not named: {faults}")


def check_rollback(desk):
    """An older store is refused, unless that is accepted, on record."""
    old = desk.work / "old.db"
    shutil.copy(desk.store, old)
    desk.start()
    desk.send(40)
    desk.settle()
    desk.daemon.stop()
    for log in desk.work.glob("store.db-*"):
        log.unlink()
    shutil.copy(old, desk.store)
    serve = ("serve", "--tenants", desk.work / "tenants", "--listen", "127.0.0.1:0")
    desk.daemon.command(*serve, code=65)
    expect(not desk.verify(code=1)["ok"], "a check does not find the old store")
    desk.start("--accept-rollback")
    desk.send(5)
    desk.settle()
    desk.daemon.stop()
    report = desk.verify()
    expect(report["ok"] and report["rollbacks"] == 1, f"after the rollback: {report}")
    expect("accept-rollback" in desk.daemon.command("audit", "export", "--tenant", "desk"), "it is not journaled")
    desk.start()
    desk.daemon.stop()


def check_erasure(desk):
    """Of who is erased no byte is left in the files, and the journal proves itself."""
    desk.start()
    person = f"ticket/{'P' * 3}"
    for i in range(12):
        desk.send(20)
        desk.send(1, person, priority="urgent", description=CANARY * (600 if i % 4 == 0 else 1))
    desk.settle()
    erased = json.loads(desk.daemon.command("erase", "--subject", person, "--reason", "request 7", "--json"))
    expect(erased["rows"] >= 24, f"erased: {erased}")
    desk.send(1, person, priority="low")
    desk.settle()
    history = [json.loads(line) for line in desk.daemon.command("history", person, "--json").splitlines()]
    expect([row["kind"] for row in history[-3:]] == ["erasure", "event", "decision"], f"history: {history[-3:]}")
    expect(all("body" not in row for row in history[:-3]), "a body is left")
    expect("erased" in desk.daemon.command("history", person), "nobody says that it was erased")
    desk.daemon.command("erase", "--subject", "ticket/nobody", code=1)
    expect(desk.daemon.stop() == 0, "it does not stop")
    expect(not (desk.work / "store.db-wal").exists(), "a stop leaves a log: the file alone is not the store")
    report = desk.verify("--deep")
    expect(report["ok"] and report["erased_bodies"] == erased["rows"], f"after the erasure: {report}")
    for path in desk.work.glob("store.db*"):
        expect(CANARY.encode() not in path.read_bytes(), f"{path.name} holds what was erased")
    expect(json.loads(desk.daemon.command("erase", "--subject", person, "--json"))["rows"] == 2, "without a daemon")
    expect(desk.verify("--deep")["ok"], "after an erasure without a daemon")
    desk.daemon.command("rebuild", "--check")
    desk.daemon.command("audit", "verify", "--reexecute")


def check_export(desk):
    """An export taken while the store grows is of one state, and the printed programs say so."""
    page = (ROOT / "docs/reference/journal.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", page, re.S)
    expect(len(programs) == 2, "the reference prints other programs")
    for number, text in enumerate(programs):
        (desk.work / f"verify{number}.py").write_text(text)
    desk.start()
    stop = threading.Event()
    sender = threading.Thread(target=lambda: [desk.send(5) for _ in range(400) if not stop.is_set()])
    sender.start()
    try:
        for _ in range(3):
            export = desk.daemon.command("audit", "export", "--tenant", "desk")
            done = subprocess.run([sys.executable, desk.work / "verify0.py"], input=export, capture_output=True, text=True)
            expect(done.returncode == 0, f"an export of a growing store: {done.stderr}")
    finally:
        stop.set()
        sender.join()
    desk.settle()
    desk.daemon.stop()
    words = ("audit", "export", "--tenant", "desk")
    rows = [json.loads(line) for line in desk.daemon.command(*words).splitlines()]
    stream = [json.loads(line) for line in desk.daemon.command(*words, "--stream", "control").splitlines()]
    expect(stream == [row for row in rows if row["stream"] == "control"], "one stream alone differs")
    desk.daemon.command(*words, "--stream", "p99", code=2)


def run(arguments):
    desk = Desk(arguments.signalbox, arguments.work)
    try:
        for check in (check_checkpoints, check_torn_line, check_failing_sink, check_forgery, check_rollback, check_erasure,
                      check_export):
            check(desk)
            print(f"{check.__name__}: fine", flush=True)
    finally:
        desk.daemon.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/e2e-proof", help="folder for store and logs, made afresh")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
