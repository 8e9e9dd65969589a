#!/usr/bin/env python3
"""Timers of a running daemon: listed, moved, ended, over deaths and clocks that jump; each fires once, none is lost."""
import argparse
import json
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402
from rig.stores import store_of  # noqa: E402

RULES = """\
rules:
  - id: remind
    on: ticket.created
    then:
      - emit: { type: ticket.reminder, after: "{{ ticket.custom.after }}" }

  - id: hurry
    on: ticket.hurried
    then:
      - emit: { type: ticket.reminder, after: 1s }

  - id: forget
    on: ticket.solved
    then:
      - cancel: ticket.reminder

  - id: wait
    on: ticket.asked
    then:
      - wait: "{{ ticket.custom.after }}"
      - add_tags: [waited]

  - id: reminded
    on: ticket.reminder
    then:
      - add_tags: [reminded]

  - id: late
    on: sla.breached
    then:
      - add_tags: ["late:{{ event.data.sla.metric }}"]
"""
LEVELS = """\
policies:
  - id: promised
    kind: conversation
    targets: { resolution: 10s, first_response: 1h }   # time enough to look at it before
"""


class Desk:
    def __init__(self, program, work, store, environment=None):
        self.work = Path(work).resolve()
        tenant = self.work / "tenants/desk"
        tenant.mkdir(parents=True, exist_ok=True)
        (tenant / "tenant.yaml").write_text("name: desk\n")
        (tenant / "rules.yaml").write_text(RULES)
        (tenant / "sla.yaml").write_text(LEVELS)
        self.kept = store_of(store, self.work)
        self.daemon = Daemon(program, self.work, self.work / "tenants", environment=environment, kept=self.kept)
        self.key = ""
        self.sent = 0

    def start(self):
        self.daemon.start()
        self.key = self.key or self.daemon.make_key("desk", "--name", "timers")

    def send(self, kind, subject, after="1h", entity="ticket"):
        self.sent += 1
        event = {"specversion": "1.0", "id": f"e{self.sent}", "source": "/timers", "type": f"{entity}.{kind}",
                 "subject": f"{entity}/{subject}", "data": {entity: {"custom": {"after": after}}}}
        status, _, content = self.daemon.call("POST", "/v1/desk/events", event, key=self.key,
                                              headers={"Content-Type": "application/cloudevents+json"})
        expect(status == 202, f"an event was answered {status}: {content}")

    def timers(self, *words):
        return self.daemon.records("timers", "list", *words)

    def fired(self):
        """The subjects of timers that have become events, once for each time, with how late they were."""
        rows = [json.loads(line) for line in self.daemon.command("audit", "export").splitlines()]
        events = [json.loads(row["body"]) for row in rows if row["kind"] == "event"]
        return sorted((event["subject"].split("/")[1], event["data"]["timer"].get("late_seconds", 0))
                      for event in events if event["source"] == "signalbox:timer")

    def tags(self, subject):
        return self.daemon.call("GET", f"/v1/desk/entities/ticket/{subject}", key=self.key)[2]["fields"].get("tags", [])

    def end(self):
        self.daemon.end()
        self.kept.remove()


def subjects(fired):
    return [subject for subject, _ in fired]


def check_lists(desk):
    """What waits is listed by due time; it can be moved and ended, and fires as it was set last."""
    desk.start()
    desk.send("created", "a")
    desk.send("created", "b", after="30m")
    desk.send("asked", "c", after="40m")
    desk.send("created", "d")
    desk.send("solved", "d")
    desk.daemon.wait_until_decided()
    listed = desk.timers()
    expect([(one["subject"], one["event"], one["rule"]) for one in listed] ==
           [("ticket/b", "ticket.reminder", "remind"), ("ticket/c", "wait.over", "wait"),
            ("ticket/a", "ticket.reminder", "remind")], f"listed: {listed}")
    expect(desk.timers("ticket/a") == listed[2:], "those of one entity")
    page = desk.daemon.call("GET", "/v1/desk/timers", key=desk.key)[2]["timers"]
    expect(page == listed, f"over HTTP: {page}")
    desk.send("hurried", "a")
    wait_until(lambda: "reminded" in desk.tags("a"), "what was moved to now does not fire")
    expect(subjects(desk.fired()) == ["a"], f"fired: {desk.fired()}")


def check_deaths(desk):
    """What became due while the daemon was dead is caught up, and says how late it is."""
    desk.send("created", "e", after="1s")
    desk.send("asked", "f", after="1s")
    desk.daemon.wait_until_decided()
    desk.daemon.kill()
    time.sleep(3)  # no condition to wait for: nobody runs, and time passes
    desk.start()
    wait_until(lambda: "waited" in desk.tags("f") and "reminded" in desk.tags("e"), "nothing is caught up")
    late = dict(desk.fired())
    expect(late["e"] >= 1 and late["f"] >= 1, f"nobody says how late it is: {late}")
    desk.daemon.kill()
    desk.start()
    expect(subjects(desk.fired()) == ["a", "e", "f"], f"after one more death: {desk.fired()}")


def check_levels(desk):
    """Service levels are late over a death of the daemon, too; what they say is listed and shown."""
    desk.send("created", "k", entity="conversation")
    desk.daemon.wait_until_decided()
    listed = desk.daemon.records("sla", "list")
    expect([(one["subject"], one["metric"], one["policy"]) for one in listed] ==
           [("conversation/k", "resolution", "promised"), ("conversation/k", "first_response", "promised")],
           f"listed: {listed}")
    desk.daemon.kill()
    desk.start()
    path = "/v1/desk/entities/conversation/k"
    entity = lambda: desk.daemon.call("GET", path, key=desk.key)[2]
    wait_until(lambda: entity()["fields"].get("tags") == ["late:resolution"], "nobody is late")
    shown = json.loads(desk.daemon.command("sla", "show", "conversation/k", "--json"))
    expect(shown["resolution"]["breached"] and shown["first_response"]["state"] == "running", f"shown: {shown}")
    expect(shown["resolution"]["breached_at"] == shown["resolution"]["due_at"] == listed[0]["due_at"],
           f"another instant: {shown}, {listed}")
    expect(entity()["sla"]["resolution"]["breached"], "not over HTTP")
    expect("late since" in desk.daemon.command("sla", "show", "conversation/k"), "not for people")
    desk.send("deleted", "k", entity="conversation")
    desk.daemon.wait_until_decided()
    expect(desk.daemon.records("sla", "list") == [], "the clocks outlive the conversation")


def check_proof(desk):
    """The journal says the same again: what waits, and every decision."""
    expect(desk.daemon.stop() == 0, "it does not stop")
    desk.daemon.command("audit", "verify", "--reexecute")
    desk.daemon.command("rebuild")
    expect(len(desk.timers()) == 2, f"left: {desk.timers()}")


def check_clock(program, shim, work, store):
    """A clock that is set forward makes timers due at once, one that is set back keeps them waiting."""
    clock = Path(work).resolve() / "clock"
    clock.parent.mkdir(parents=True, exist_ok=True)
    clock.write_text("0\n")
    desk = Desk(program, work, store, {"LD_PRELOAD": str(Path(shim).resolve()), "SIGNALBOX_TEST_CLOCK": str(clock)})
    try:
        desk.start()
        for number in range(3):
            desk.send("created", f"early{number}")
        desk.daemon.wait_until_decided()
        jumped(3601, clock)
        wait_until(lambda: all("reminded" in desk.tags(f"early{n}") for n in range(3)), "a jump forward fires nothing")
        desk.send("created", "late", after="2h")
        jumped(-3600, clock)
        desk.send("created", "before", after="1s")
        wait_until(lambda: "reminded" in desk.tags("before"), "after a jump back nothing fires")
        jumped(7200, clock)
        expect("reminded" not in desk.tags("late"), "it fired before its time")
        jumped(90_000, clock)
        wait_until(lambda: "reminded" in desk.tags("late"), "the last one does not fire")
        expect(subjects(desk.fired()) == ["before", "early0", "early1", "early2", "late"], f"fired: {desk.fired()}")
        check_stopped(desk)
    finally:
        desk.end()


def jumped(seconds, clock):
    """In one step: a clock that is read half written is none."""
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds}\n")
    new.rename(clock)


def check_stopped(desk):
    expect(desk.daemon.stop() == 0, "it does not stop")
    desk.daemon.command("audit", "verify", "--reexecute")
    expect(desk.timers() == [], f"left: {desk.timers()}")


def run(arguments):
    shutil.rmtree(arguments.work, ignore_errors=True)
    if arguments.clock_shim:
        check_clock(arguments.signalbox, arguments.clock_shim, arguments.work, arguments.store)
        print("check_clock: fine")
        return
    desk = Desk(arguments.signalbox, arguments.work, arguments.store)
    try:
        for check in (check_lists, check_deaths, check_levels, check_proof):
            check(desk)
            print(f"{check.__name__}: fine", flush=True)
    finally:
        desk.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/timers", help="folder for store and logs")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    parser.add_argument("--clock-shim", help="the library that lets the daemon's clock jump; checks that")
    return exit_code_of(run, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
