#!/usr/bin/env python3
"""What scripts look up, through a daemon that is killed now and then and a CRM that is slow, fails and lies.

Every event is decided once, in the order of its lane, by what the CRM says; other lanes do not wait; the journal makes
every decision again without asking anybody.
"""
import argparse
import json
import random
import shutil
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402
from rig.stores import store_of  # noqa: E402

LEADS = 12
EVENTS_OF_A_LEAD = 25
POINTS = ["", "lookup.leaving", "lookup.answered", "store.committed"]  # where it dies; "" = anywhere
CONNECTOR = """\
name: crm
title: CRM
description: Knows companies.
settings:
  url: { type: url, description: Where it is. }
auth: [ { none: true } ]
lookups:
  find_company:
    description: The company that owns a domain.
    params: { domain: { required: true, description: The domain. } }
    request: { method: GET, url: "{settings.url}/companies", query: { domain: "{params.domain}" } }
    idempotency: none
    result: { name: "{response.body.name}" }
"""
SCRIPT = """\
local function look(ctx, name)
  local company, problem = ctx.call("crm.find_company", { domain = name })
  return problem and problem.code or company.name
end
return {
  run = function(ctx)
    local domain = ctx.lead.custom.domain
    if domain == "none" then return end
    local first = look(ctx, domain)
    ctx.set("lead.company", first .. "/" .. look(ctx, "of-" .. first))
  end,
}
"""
RULES = """\
rules:
  - id: look
    on: lead.updated
    then: [ { lua: scripts/look.lua#run } ]
"""


class Crm:
    """Says `Company <domain>`, not always at once and not always at all."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.asked = 0
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                crm.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # the daemon is killed while it asks
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        domain = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)["domain"][0]
        with self.lock:
            self.asked += 1
            chance = self.random.random()
        time.sleep(0.02)
        status, body, extra = 200, json.dumps({"name": "C" + domain}), {}
        if domain == "slow":
            time.sleep(1)
        if domain == "gone":
            status, body = 404, "{}"
        elif domain == "down" or chance < 0.1:
            status, body = 503, "<html>down</html>"
        elif chance < 0.15:
            status, body, extra = 429, "{}", {"Retry-After": "0.2"}
        elif chance < 0.2:
            handler.close_connection = True
            return
        handler.send_response(status)
        for name, value in {**extra, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        try:
            handler.end_headers()
            handler.wfile.write(body.encode())
        except OSError:
            handler.close_connection = True  # whoever asked is dead


def company_of(domain):
    first = {"gone": "not_found", "down": "unavailable"}.get(domain, "C" + domain)
    return f"{first}/Cof-{first}"


class Sales:
    def __init__(self, arguments):
        self.work = Path(arguments.work).resolve()
        self.crm = Crm(arguments.seed)
        folder = self.work / "tenants/sales"
        for name, text in {"tenant.yaml": "name: sales\n",
                           "fields.yaml": "fields:\n  lead.custom.domain: { type: text }\n",
                           "connectors/crm/connector.yaml": CONNECTOR, "scripts/look.lua": SCRIPT, "rules.yaml": RULES,
                           "connections.yaml": f"connections:\n  crm: {{ connector: crm, url: \"{self.crm.url}\" }}\n"
                           }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.daemon = Daemon(arguments.signalbox, self.work, self.work / "tenants",
                             kept=store_of(arguments.store, self.work), options=["--lookup-timeout", "3s"])
        self.daemon.start()
        self.key = self.daemon.make_key("sales", "--name", "lookups")

    def send(self, identity, lead, domain):
        event = {"specversion": "1.0", "id": identity, "source": "/sales", "type": "lead.updated",
                 "subject": f"lead/{lead}", "data": {"lead": {"custom": {"domain": domain}}}}
        status, _, content = self.daemon.call("POST", "/v1/sales/events", event, key=self.key,
                                              headers={"Content-Type": "application/cloudevents+json"})
        return status, content

    def send_surely(self, identity, lead, domain):
        """As senders do: until it is taken, whatever happens to the daemon meanwhile."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                status, content = self.send(identity, lead, domain)
                if status in (200, 202):
                    return
                expect(status == 503, f"an event was answered {status}: {content}")
            except (OSError, AttributeError):
                pass
            time.sleep(0.05)
        expect(False, f"event {identity} was never taken")

    def wait_until_decided(self):
        wait_until(lambda: self.daemon.gauges()["signalbox_lanes_asking"] == 0, "lanes ask for ever", 120)
        self.daemon.wait_until_idle()


def other_lanes_go_on(sales):
    began = time.monotonic()
    expect(sales.send("slow", "slow", "slow")[0] == 202, "a lead that has to wait is not taken")
    for number in range(20):
        expect(sales.send(f"fast{number}", f"fast{number}", "none")[0] == 202, "a lead is not taken")
        expect(sales.daemon.call("GET", f"/v1/sales/decisions/fast{number}", key=sales.key)[0] == 200, "it waits")
    took = time.monotonic() - began
    status = sales.daemon.call("GET", "/v1/sales/decisions/slow", key=sales.key)[0]
    expect(status == 202 or took > 1, f"the slow one is not pending: {status}")
    sales.wait_until_decided()


def die_at(daemon, point, chance):
    if point:
        daemon.kill()
        daemon.environment["SIGNALBOX_FAILPOINTS"] = f"{point}=kill@{chance.randint(2, 12)}"
        daemon.start_to_die()
        expect(daemon.ends_within(60), f"{point} is never passed")
        daemon.environment.pop("SIGNALBOX_FAILPOINTS")
    else:
        time.sleep(chance.uniform(0.2, 1.0))
        daemon.kill()
    daemon.start()


def under_fire(sales, seed):
    """Senders, one for each lead, while the daemon dies again and again."""
    chance = random.Random(seed)
    plans = {f"lead{number}": [chance.choice(["one", "two", "gone", "down" if chance.random() < 0.2 else "three"])
                               for _ in range(EVENTS_OF_A_LEAD)] for number in range(LEADS)}

    def run(lead):
        for number, domain in enumerate(plans[lead]):
            sales.send_surely(f"{lead}-{number}", lead, domain)

    senders = [threading.Thread(target=run, args=(lead,)) for lead in plans]
    for sender in senders:
        sender.start()
    for point in POINTS:
        die_at(sales.daemon, point, chance)
    for sender in senders:
        sender.join()
    sales.wait_until_decided()
    return plans


def judge(sales, plans):
    decided = {}
    for line in sales.daemon.command("audit", "export").splitlines():
        row = json.loads(line)
        if row["kind"] != "decision":
            continue
        body = json.loads(row["body"])
        decided.setdefault(row["subject"].split("/")[1], []).append(body)
    for lead, plan in plans.items():
        ids = [body["event"]["id"] for body in decided[lead]]
        expect(ids == [f"{lead}-{number}" for number in range(len(plan))], f"{lead} was decided as {ids}")
        company = None
        for domain, body in zip(plan, decided[lead]):
            changes = [one for one in body["changes"] if one["field"] == "lead.company"]
            company = changes[-1]["to"] if changes else company
            # Passing trouble may last longer than the time there is for a look-up; nothing else may be said.
            said = {company_of(domain), "unavailable/Cof-unavailable", company_of(domain).split("/")[0] + "/unavailable",
                    "unavailable/unavailable"}
            expect(company in said, f"{body['event']['id']} ({domain}) got {company}")
            expect(len(body["consulted"]["answers"]) == 2, f"{body['event']} has {body['consulted']}")


def run(arguments):
    shutil.rmtree(arguments.work, ignore_errors=True)
    Path(arguments.work).mkdir(parents=True)
    sales = Sales(arguments)
    try:
        other_lanes_go_on(sales)
        plans = under_fire(sales, arguments.seed)
        judge(sales, plans)
        asked = sales.crm.asked
        expect(sales.daemon.stop() == 0, "the daemon did not stop as it should")
        sales.daemon.command("audit", "verify", "--deep", "--reexecute")
        sales.daemon.command("rebuild")
        expect(sales.crm.asked == asked, "making decisions again asks the CRM")
        print(f"{sum(map(len, plans.values()))} events of {len(plans)} leads, {len(POINTS)} kills, {asked} questions")
    finally:
        sales.daemon.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
