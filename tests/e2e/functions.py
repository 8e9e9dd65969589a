#!/usr/bin/env python3
"""A connector whose script says what its map cannot, through the daemon: webhooks become what it returns, and one that
hangs or bloats costs its own item alone.
"""
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


class Forms:
    def __init__(self, arguments):
        self.work = Path(arguments.work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        write_tenant(self.work / "tenants/acme")
        self.daemon = Daemon(arguments.signalbox, self.work, self.work / "tenants", {"FORMS_KEY": "k"},
                             ("--intake-waiting-max", str(WAITING_MAX)))
        self.daemon.start()
        self.key = self.daemon.make_key("acme", "--name", "functions")
        self.pid = self.daemon.process.pid

    def post(self, body, key="k"):
        return self.daemon.call("POST", "/v1/acme/hooks/web", body, {"X-Key": key})

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


def run(arguments):
    forms = Forms(arguments)
    try:
        forms.becomes_fields()
        forms.asks_for_proof()
        forms.costs_its_own_item()
        forms.lets_others_go_on()
        forms.can_be_proved()
    finally:
        forms.daemon.end()
    is_checked(arguments, forms.work)
    print("functions of connectors: all as it should be")


def main():
    return exit_code_of(run, arguments_of(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
