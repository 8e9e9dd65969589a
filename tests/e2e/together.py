#!/usr/bin/env python3
"""Scripts of many events at once, through the daemon: they run together, ahead of their decisions, while their processes
are killed; every decision is what it would be alone.
"""
import json
import os
import random
import shutil
import signal
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, arguments_of, exit_code_of, expect  # noqa: E402

BATCHES = 6
EVENTS = 150  # of a batch
TICKETS = 60
# A process that is made slow by a sanitizer needs longer to be there at all.
KILLS_EVERY_SECONDS = 2 if os.environ.get("SIGNALBOX_SLOW") else 0.05
# Long enough that looking ahead is worth it wherever this runs.
SCRIPT = """\
return {
  weigh = function(ctx)
    local sum = 0
    for i = 1, 20000 do sum = sum + i % 7 end
    local seen = ctx.ticket.custom and ctx.ticket.custom.seen or 0
    ctx.set("ticket.custom.seen", seen + 1)
    ctx.set("ticket.custom.roll", math.random(1000000) + sum)
    ctx.kv.set("last/" .. ctx.ticket.custom.region, ctx.event.id)
  end,
  is_odd = function(ctx) return ctx.ticket.custom.seen % 2 == 1 end,
}
"""
FIELDS = "fields:\n" + "".join(f"  ticket.custom.{name}: {{ type: {kind} }}\n" for name, kind in
                               (("seen", "number"), ("roll", "number"), ("region", "text")))
RULES = """\
rules:
  - { id: weigh, on: [ticket.created, ticket.updated], then: [ { lua: "scripts/weigh.lua#weigh" } ] }
  - id: odd
    on: [ticket.created, ticket.updated]
    when: { lua: "scripts/weigh.lua#is_odd" }
    then: [ { add_tags: [odd] } ]
"""


class Tickets:
    def __init__(self, arguments):
        work = Path(arguments.work).resolve()
        shutil.rmtree(work, ignore_errors=True)
        for name, text in {"tenant.yaml": "name: acme\n", "fields.yaml": FIELDS, "rules.yaml": RULES,
                           "scripts/weigh.lua": SCRIPT}.items():
            path = work / "tenants/acme" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.random = random.Random(arguments.seed)
        # However many processes are lost here, it is not the function that loses them.
        self.daemon = Daemon(arguments.signalbox, work, work / "tenants", options=("--script-losses-max", "100000"))
        self.daemon.start()
        self.key = self.daemon.make_key("acme", "--name", "together")
        self.sent = {}

    def batch(self):
        events = []
        for _ in range(EVENTS):
            identity, ticket = f"e{len(self.sent)}", f"ticket/{self.random.randrange(TICKETS)}"
            self.sent[identity] = ticket
            data = {"ticket": {"subject": identity, "custom": {"region": self.random.choice(["eu", "us", "asia"])}}}
            events.append({"specversion": "1.0", "id": identity, "source": "/together", "type": "ticket.updated",
                           "subject": ticket, "data": data})
        status, _, content = self.daemon.call("POST", "/v1/acme/events", events, key=self.key,
                                              headers={"Content-Type": "application/cloudevents-batch+json"})
        expect(status == 202, f"a batch was answered {status}: {content}")

    def workers(self):
        """The daemon's processes that run scripts."""
        found = []
        for task in Path(f"/proc/{self.daemon.process.pid}/task").iterdir():
            children = (task / "children").read_text().split()
            found += [int(child) for child in children]
        return found

    def kill_some(self, ended):
        while not ended.wait(KILLS_EVERY_SECONDS):
            for process in self.workers():
                try:
                    os.kill(process, signal.SIGKILL)
                    self.killed += 1
                except ProcessLookupError:
                    pass

    def under_fire(self):
        self.killed = 0
        ended = threading.Event()
        killer = threading.Thread(target=self.kill_some, args=(ended,))
        killer.start()
        try:
            for _ in range(BATCHES):
                self.batch()
        finally:
            ended.set()
            killer.join()
        self.batch()
        self.daemon.wait_until_decided()
        return self.daemon.gauges()

    def judge(self):
        seen = dict.fromkeys(self.sent.values(), 0)
        failed = 0
        for identity, ticket in self.sent.items():
            decision = self.daemon.call("GET", f"/v1/acme/decisions/{identity}", key=self.key)[2]
            failures = decision.get("failures", [])
            failed += 1 if failures else 0
            lost = all(one["message"].startswith("script_crashed: its worker was killed by signal 9") for one in failures)
            expect(lost, f"{identity} failed otherwise than by its worker: {failures}")
            seen[ticket] += 0 if any(one["rule"] == "weigh" for one in failures) else 1
        for ticket, count in seen.items():
            entity = self.daemon.call("GET", f"/v1/acme/entities/{ticket}", key=self.key)[2]
            expect(f'"seen": {count}' in json.dumps(entity), f"{ticket} has seen {count} events, and not {entity}")
        # Twice in a row has to be hit the very run.
        expect(failed * 20 <= len(self.sent), f"{failed} of {len(self.sent)} decisions lost their script")
        return failed


def run(arguments):
    tickets = Tickets(arguments)
    daemon = tickets.daemon
    try:
        gauges = tickets.under_fire()
        ahead, used = gauges["signalbox_script_runs_ahead_total"], gauges["signalbox_script_runs_ahead_used_total"]
        expect(used > 0, f"{used:.0f} of {ahead:.0f} runs ahead were used")
        failed = tickets.judge()
        expect(daemon.stop() == 0, "the daemon did not stop as it should")
        report = json.loads(daemon.command("audit", "verify", "--deep", "--reexecute", "--json"))
        print(f"{len(tickets.sent)} events, {used:.0f} of {ahead:.0f} runs ahead used, {tickets.killed} processes killed, "
              f"{failed} decisions without their script; made again: {json.dumps(report)[:300]}")
        daemon.start("--script-batch-calls-max", "1")
        tickets.batch()
        expect(daemon.gauges()["signalbox_script_runs_ahead_total"] == 0, "scripts run ahead though they may not")
        tickets.judge()
        expect(daemon.stop() == 0, "the daemon did not stop as it should")
    finally:
        daemon.end()


def main():
    parser = arguments_of(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    return exit_code_of(run, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
