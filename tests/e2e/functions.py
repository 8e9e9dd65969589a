#!/usr/bin/env python3
"""A connector whose script says what its map cannot, through the daemon: webhooks become what it returns, and one that
hangs or bloats costs its own item alone, and other tenants no more than one webhook's time.
"""
import http.client
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, arguments_of, exit_code_of, expect  # noqa: E402

HANGS = 6
WAITING_MAX = 3
DEADLINE_SECONDS = 0.5  # of one webhook's functions together, as it is unless it is set
MARGIN_SECONDS = 3  # of a machine that does other things, and of the one call that goes beyond the deadline
DEFINITION = """\
name: forms
title: Forms
description: What people fill in.
settings:
  secret: { secret: true, description: A shared key. }
webhook:
  verify: [ { key: { header: X-Key, secret: secret } } ]
  lists: true
  id: item.id | text
  events:
    - type: ticket.created
      subject: { kind: ticket, id: item.id | text }
      map:
        - ticket.subject: item.title | lua:tidy
        - item | lua:fields
"""
SCRIPT = """\
local words = require("scripts/words")

return {
  tidy = function(ctx)
    return words.tidy(ctx.value)
  end,
  fields = function(ctx)
    local item = ctx.value
    if item.kind == "hang" then while true do end end
    if item.kind == "bloat" then
      local all = {}
      for i = 1, 1e9 do all[i] = ("x"):rep(1000) .. i end
    end
    if item.kind == "effect" then ctx.emit("ticket.seen", {}, { subject = "ticket/1" }) end
    if item.kind == "wrong" then return { subject = "not a field" } end
    local name, address = item.from:match("^(.-)%s*<([^<>]+)>$")
    local answers = {}
    for _, field in ipairs(item.answers or {}) do
      answers["ticket.custom.answer_" .. words.name(field.label)] = field.value
    end
    answers["ticket.requester.name"] = name
    answers["ticket.requester.email"] = address:lower()
    answers["ticket.custom.ticket_no"] = math.random(1, 1000000)
    return answers
  end,
}
"""
WORDS = """\
return {
  tidy = function(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end,
  name = function(text) return (text:lower():gsub("[^a-z0-9]+", "_")) end,
}
"""
RULES = "rules:\n  - { id: mark, on: ticket.created, then: [ { add_tags: [form] } ] }\n"


def write_tenant(folder, definition=DEFINITION):
    shutil.rmtree(folder, ignore_errors=True)
    files = {"tenant.yaml": f"name: {folder.name}\n", "rules.yaml": RULES, "scripts/words.lua": WORDS,
             "connections.yaml": "connections:\n  web: { connector: forms, secret: \"${env:FORMS_KEY}\" }\n",
             "connectors/forms/connector.yaml": definition, "connectors/forms/forms.lua": SCRIPT}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def form(number, kind="", **more):
    return {"id": f"f{number}", "kind": kind, "title": "  Cannot   log in ", "from": "Ada Byron <ADA@Example.com>",
            "answers": [{"label": "Which system?", "value": "the shop"}], **more}


def hanging(name, count):
    return [form(f"{name}-{i}", "hang") for i in range(count)]


class Forms:
    def __init__(self, arguments, waiting_max):
        self.work = Path(arguments.work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        write_tenant(self.work / "tenants/acme")
        write_tenant(self.work / "tenants/evil")
        self.daemon = Daemon(arguments.signalbox, self.work, self.work / "tenants", {"FORMS_KEY": "k"},
                             ("--intake-waiting-max", str(waiting_max)))
        self.daemon.start()
        self.key = self.daemon.make_key("acme", "--name", "functions")
        self.pid = self.daemon.process.pid

    def post(self, body, key="k", tenant="acme"):
        return self.daemon.call("POST", f"/v1/{tenant}/hooks/web", body, {"X-Key": key})

    def post_and_go(self, body, seconds):
        """Sends it for evil and hangs up without an answer."""
        connection = http.client.HTTPConnection(*self.daemon.address, timeout=60)
        connection.request("POST", "/v1/evil/hooks/web", json.dumps(body).encode(),
                           {"X-Key": "k", "Content-Type": "application/json"})
        time.sleep(seconds)
        connection.close()

    def waits(self, count, name):
        """How long forms of acme take, one after another, and how they were answered."""
        took, answers = [], []
        for number in range(count):
            began = time.monotonic()
            answers.append(self.post(form(f"{name}-{number}"))[0])
            took.append(time.monotonic() - began)
        return took, answers

    def becomes_fields(self):
        status, _, said = self.post(form(1))
        expect(status == 200 and said["status"] == "accepted", f"a form was answered {status}: {said}")
        decision = self.daemon.call("GET", f"/v1/acme/decisions/{said['ids'][0]}", key=self.key)[2]
        expect(decision["changes"], f"nothing came of it: {decision}")
        ticket = self.daemon.call("GET", "/v1/acme/entities/ticket/web:f1", key=self.key)[2]
        fields = ticket.get("fields", ticket.get("document", ticket))
        text = json.dumps(fields)
        for part in ('"subject": "Cannot log in"', '"name": "Ada Byron"', '"email": "ada@example.com"',
                     '"answer_which_system_": "the shop"', '"tags": ["form"]'):
            expect(part in text, f"{part} is not in {text}")

    def asks_for_proof(self):
        status, _, said = self.post(form(2, "hang"), key="wrong")
        expect(status == 401, f"a wrong key was answered {status}: {said}")

    def costs_its_own_item(self):
        for kind, word in (("hang", "fuel_max"), ("bloat", "_max"), ("effect", "only what it returns"),
                           ("wrong", "is no field"), ("", "")):
            body = form(3, kind) if kind else form(3, **{"from": "nobody"})
            status, _, said = self.post(body)
            expect(status == 400, f"{kind} was answered {status}: {said}")
            expect(word in json.dumps(said), f"{kind} says {said}")
        expect("forms.lua:" in json.dumps(said), f"the failure does not say where: {said}")
        status, _, said = self.post([form(4), form(5, "hang"), form(6)])
        expect(status == 200 and said["created_count"] == 2 and said["failed_count"] == 1, f"the list: {said}")
        expect(said["failed"][0]["index"] == 1, f"another item failed: {said}")

    def lets_others_go_on(self):
        """While forms hang on their thread events are taken as ever, and there is a limit to those that wait."""
        answers, waits = [], []
        threads = [threading.Thread(target=lambda n=n: answers.append(self.post([form(f"{n}-{i}", "hang") for i in range(4)])[0]))
                   for n in range(HANGS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            event = {"specversion": "1.0", "id": f"e{len(waits)}", "source": "/e", "type": "ticket.created",
                     "subject": f"ticket/e{len(waits)}", "data": {"ticket": {"subject": "Help"}}}
            status = self.daemon.call("POST", "/v1/acme/events", event, key=self.key,
                                      headers={"Content-Type": "application/cloudevents+json"})[0]
            expect(status == 202, f"an event was answered {status}")
            waits.append(time.monotonic() - began)
        for thread in threads:
            thread.join()
        expect(sorted(set(answers)) == [400, 503], f"the forms were answered {answers}")
        expect(answers.count(503) >= HANGS - WAITING_MAX - 1, f"too many waited: {answers}")
        waits.sort()
        print(f"{len(waits)} events beside {HANGS} hanging lists: median {waits[len(waits) // 2] * 1000:.1f} ms, "
              f"worst {waits[-1] * 1000:.1f}")
        expect(self.daemon.running() and self.daemon.process.pid == self.pid, "the daemon is another one")

    def has_an_end(self):
        """A list whose functions take too long is answered for all of its items: those behind are refused, not lost."""
        began = time.monotonic()
        status, _, said = self.post([form("slow-first")] + hanging("slow", 998) + [form("slow-last")], tenant="evil")
        took = time.monotonic() - began
        print(f"a list of 1000 that hang: {took:.2f} s")
        expect(took < DEADLINE_SECONDS + MARGIN_SECONDS, f"the list of 1000 that hang took {took:.1f} s")
        expect(status == 200 and said["created_count"] == 1 and said["failed_count"] == 999, f"the list: {status}")
        reasons = [one["reason"] for one in said["failed"]]
        expect("fuel_max" in reasons[0] and "intake-script-deadline" in reasons[-1], f"{reasons[0]}, {reasons[-1]}")

    def waits_for_one_of_another(self):
        """A tenant waits for one webhook of another one, at most, although many of that one's are before it."""
        self.post(form("warm"))
        alone, _ = self.waits(5, "alone")
        threads = [threading.Thread(target=self.post_and_go, args=(hanging(f"many-{n}", 1000), 0.3 if n % 2 else 6))
                   for n in range(25)]
        for thread in threads:
            thread.start()
        time.sleep(0.6)  # those who hang up early have
        took, answers = self.waits(5, "beside")
        print(f"beside 25 lists of 1000 that hang: {' '.join(f'{one:.2f}' for one in took)} s, alone {max(alone):.2f}")
        expect(set(answers) == {200}, f"acme was answered {answers} beside evil")
        limit = DEADLINE_SECONDS + MARGIN_SECONDS
        expect(max(took) < limit, f"acme waited {max(took):.1f} s, for more than one webhook of evil")
        for thread in threads:
            thread.join()

    def ends_soon(self):
        """What has not begun is answered when the daemon stops, whether its sender is there or has gone."""
        answers = []
        stays = lambda n: answers.append(self.post(hanging(f"end-{n}", 1000), tenant="evil")[0])
        threads = [threading.Thread(target=stays, args=(n,)) for n in range(5)]
        threads += [threading.Thread(target=self.post_and_go, args=(hanging(f"gone-{n}", 1000), 0.1)) for n in range(5)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        expect(self.daemon.stop() == 0, "the daemon did not stop as it should")
        took = time.monotonic() - began
        for thread in threads:
            thread.join()
        print(f"the end with ten lists that hang: {took:.2f} s, answered {sorted(answers)}")
        expect(took < DEADLINE_SECONDS + MARGIN_SECONDS, f"the end took {took:.1f} s")
        expect(len(answers) == 5 and set(answers) <= {400, 503} and answers.count(503) >= 3, f"answered {answers}")

    def can_be_proved(self):
        expect(self.daemon.stop() == 0, "the daemon did not stop as it should")
        said = self.daemon.command("audit", "verify", "--deep", "--reexecute")
        expect(" 0 differ" in said, f"decisions differ: {said}")


def is_checked(arguments, work):
    """A function that is not there is an error of the definition, with its line."""
    folder = work / "wrong"
    write_tenant(folder, DEFINITION.replace("lua:tidy", "lua:tidi"))
    os.environ["FORMS_KEY"] = "k"
    daemon = Daemon(arguments.signalbox, work, work / "tenants")
    said = json.loads(daemon.command("check", folder, "--json", store=False, code=None))
    errors = [one for one in said["diagnostics"] if one["severity"] == "error"]
    expect(len(errors) == 1 and errors[0]["class"] == "dangling-script" and errors[0]["line"] == 14, f"check: {said}")
    expect("tidy" in errors[0]["message"], f"no name is near: {errors}")


def run_beside(arguments):
    forms = Forms(arguments, 20)
    try:
        forms.has_an_end()
        forms.waits_for_one_of_another()
        forms.ends_soon()
    finally:
        forms.daemon.end()


def run(arguments):
    forms = Forms(arguments, WAITING_MAX)
    try:
        forms.becomes_fields()
        forms.asks_for_proof()
        forms.costs_its_own_item()
        forms.lets_others_go_on()
        forms.can_be_proved()
    finally:
        forms.daemon.end()
    is_checked(arguments, forms.work)
    run_beside(arguments)
    print("functions of connectors: all as it should be")


def main():
    return exit_code_of(run, arguments_of(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
