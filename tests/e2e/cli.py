#!/usr/bin/env python3
"""What admins, operators and auditors do: every command beside the running daemon, every resource, every exit code."""
import argparse
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.daemon import Daemon, exit_code_of, expect, wait_until  # noqa: E402
from rig.destination import RunningDestination  # noqa: E402

REVOKED_WITHIN_SECONDS = 10
F_OFD_SETLK = 37  # of Linux; not every Python names it
RULES = """\
rules:
  - id: urgent-ticket
    on: ticket.created
    when: { ticket.priority: urgent }
    then:
      - desk.post: { body: { identity: "{{ event.id }}" } }

  - id: grant-wish             # fails when the wish is no status
    on: ticket.updated
    on_error: lane
    when: { ticket.custom.wish: { exists: true } }
    then:
      - set: { ticket.status: "WISH" }
"""
MENDED = "open"
BROKEN = "{{ ticket.custom.wish }}"
FIELDS = "fields:\n  ticket.custom.wish: { type: text, description: The status somebody wishes for }\n"
CONNECTIONS = """\
connections:
  desk: {{ connector: webhook, url: {url}, secret: "${{env:CLI_SECRET}}", timeout: 2s, retry: [100ms, 200ms] }}
"""


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def same(found, wanted, what):
    """Compares as JSON does: a tuple is a list."""
    found, wanted = json.loads(json.dumps(found, default=sorted)), json.loads(json.dumps(wanted, default=sorted))
    expect(found == wanted, f"{what}: {json.dumps(wanted)} expected, {json.dumps(found)} came")


class Desk:
    """The daemon with two tenants, and what is asked of it."""

    def __init__(self, program, work):
        self.work = Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.destination = RunningDestination(self.work / "destination.jsonl", "cli", 0)
        self.tenants = self.work / "tenants"
        self.write_desk(BROKEN)
        write(self.tenants / "other", {"tenant.yaml": "name: other\n", "rules.yaml": "rules: []\n"})
        self.daemon = Daemon(program, self.work, self.tenants, {"CLI_SECRET": "secret"})
        self.key = ""

    def write_desk(self, wish):
        return write(self.tenants / "desk", {
            "tenant.yaml": "name: desk\n", "fields.yaml": FIELDS, "rules.yaml": RULES.replace("WISH", wish),
            "connections.yaml": CONNECTIONS.format(url=self.destination.url + "/desk")})

    def command(self, *words, code=0):
        return self.daemon.command(*words, "--tenant", "desk", code=code)

    def records(self, *words, code=0):
        return [json.loads(line) for line in self.command(*words, "--json", code=code).splitlines()]

    def ask(self, path, status=200, key=None, method="GET", body=None, headers=None):
        """One resource of the tenant (or of the server, with a slash before it); its status has to be this one."""
        path = path if path.startswith("/") else f"/v1/desk/{path}"
        answered, answer_headers, content = self.daemon.call(method, path, body, headers, key or self.key)
        expect(answered == status, f"{method} {path} was answered {answered}, not {status}: {content}")
        if status >= 400:
            expect(answer_headers["Content-Type"] == "application/problem+json", f"{path}: {answer_headers}")
            expect(content["status"] == status and content["type"] and content["title"], f"{path}: {content}")
        return answer_headers, content

    def send(self, name, what="ticket.created", subject=None, source="/cli", **fields):
        event = {"specversion": "1.0", "id": name, "source": source, "type": what,
                 "subject": subject or f"ticket/{name}", "data": {"ticket": fields}}
        return self.ask("events", 202, method="POST", body=event,
                        headers={"Content-Type": "application/cloudevents+json"})[1]

    def dead_letters(self):
        return self.records("dead-letters", "list")

    def wait_for_dead_letters(self, count):
        wait_until(lambda: len(self.dead_letters()) == count, lambda: f"{count} dead letters: {self.dead_letters()}",
                   pause=0.05)
        return self.dead_letters()

    def arrivals(self, name):
        lines = [json.loads(line) for line in self.destination.log.read_text().splitlines()]
        return [line for line in lines if line["body"].get("identity") == name]

    def end(self):
        self.daemon.end()
        self.destination.stop()


def check_usage(desk):
    """Exit codes of what needs no store."""
    run = lambda *words, code=0, stdin=None: desk.daemon.command(*words, code=code, store=False, stdin=stdin)
    good, bad = desk.tenants / "desk", write(desk.work / "bad", {"rules.yaml": "rules:\n  - id: x\n    onn: a\n"})
    event = '{"specversion":"1.0","id":"1","source":"/s","type":"ticket.created","subject":"ticket/1","data":{}}'
    expect("signalbox" in run("--version"), "--version says nothing")
    expect("serve" in run("--help"), "--help says nothing")
    run(code=2)
    run("serv", code=2)
    run("check", code=2)
    run("check", good, "--no-such-flag", code=2)
    run("dead-letters", code=2)
    run("check", good)
    run("check", bad, code=1)
    run("check", desk.work / "nowhere", code=1)
    run("check", desk.tenants, code=1)  # tenants are below, it is none itself
    run("test", good, code=1)  # there are no cases: that is no pass
    write(desk.work / "tested", {"rules.yaml": "rules: []\n", "tests/t.yaml":
                                 "cases: [{ name: n, events: [{ type: a.b, subject: ticket/1 }], expect: { fired: [] } }]\n"})
    run("test", desk.work / "tested")
    run("fmt", good)
    run("fmt", good, "--check")
    unread = write(desk.work / "unread", {"rules.yaml": "rules: [\n"})
    run("fmt", unread, code=65)  # what cannot be read is not passed over
    run("fmt", unread, "--check", code=65)
    decision = json.loads(run("dry-run", good, "--event", "-", "--json", stdin=event))
    same(decision["outcome"], "ok", "outcome of a dry run")
    run("dry-run", good, "--event", "-", code=65, stdin="{")
    run("dry-run", good, "--event", "-", "--at", "noon", code=2, stdin=event)
    run("dry-run", bad, "--event", "-", code=65, stdin=event)
    run("replay", bad, "--events", "-", code=65, stdin="")
    run("replay", good, "--events", desk.work / "nowhere.jsonl", code=65)
    run("replay", good, "--events", "-", "--json", stdin=event + "\n")


def check_refused_starts(desk):
    """`serve` says what is wrong and does not begin."""
    start = lambda *words, code: desk.daemon.command("serve", *words, code=code, store=False)
    store = f"sqlite:///{desk.work}/refused.db"
    tenants = ("--tenants", desk.tenants)
    simulated = f"sqlite:///{desk.work}/simulated.db"
    desk.daemon.command("replay", desk.tenants / "desk", "--events", "-", "--store", simulated, store=False, stdin="")
    start(*tenants, "--store", simulated, code=65)
    start("--tenants", write(desk.work / "empty", {}), "--store", store, code=78)
    start("--tenants", desk.work / "bad", "--store", store, code=65)
    start(*tenants, "--store", "mysql://nowhere", code=65)
    start(*tenants, "--store", store, "--listen", "nowhere", code=78)
    start(*tenants, "--store", store, "--log-level", "loud", code=78)
    start(*tenants, "--store", store, "--drain", "soon", code=78)
    config = write(desk.work / "config", {"serve.yaml": "lisen: 127.0.0.1:0\n"}) / "serve.yaml"
    start(*tenants, "--store", store, "--config", config, code=78)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        start(*tenants, "--store", store, "--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=69)


def check_keys(desk):
    """Keys are made, listed and revoked beside the running daemon, and journaled."""
    desk.key = desk.daemon.make_key("desk")
    desk.send("K-1", subject="ticket/K", priority="low")
    made = json.loads(desk.command("keys", "create", "--scope", "events:write", "--name", "crm", "--json"))
    same(made["scopes"], ["events:write"], "scopes of the new key")
    listed = {key["id"]: key for key in desk.records("keys", "list")}
    expect(made["id"] in listed and "secret_digest" not in listed[made["id"]], f"the list of keys: {listed}")
    desk.ask("journal", 403, key=made["key"])
    desk.ask("decisions/K-1", 403, key=made["key"])
    desk.command("keys", "create", "--scope", "everything", code=2)
    desk.command("keys", "create", "--expires", "never", code=2)
    short = json.loads(desk.command("keys", "create", "--expires", "1s", "--name", "short", "--json"))
    wait_until(lambda: f"{short['id']}  expired" in desk.command("keys", "list"), "the short key's end in the list")
    desk.command("keys", "revoke", made["id"])
    desk.command("keys", "revoke", "nobody", code=1)
    refused = lambda: desk.daemon.call("POST", "/v1/desk/events", b"{}", key=made["key"])[0] == 401
    wait_until(refused, "a revoked key is still good", REVOKED_WITHIN_SECONDS, pause=0.05)
    other = desk.daemon.make_key("other")
    desk.ask("decisions/K-1", 404, key=other)
    desk.ask("/v1/stranger/decisions/K-1", 404)
    acts = [row["body"]["command"] for row in desk.ask("journal?stream=control")[1]["records"]
            if row["kind"] == "operator_act"]
    same(acts, ["keys.create", "keys.create", "keys.create", "keys.revoke"], "journaled acts")


def check_intake(desk):
    """The events API: known ids, clashes, batches, headers instead of an envelope, nonsense."""
    event = {"specversion": "1.0", "id": "E-1", "source": "/cli", "type": "ticket.created", "subject": "ticket/E-1",
             "data": {"ticket": {"priority": "low"}}}
    send = lambda body, kind, status: desk.ask("events", status, method="POST", body=body,
                                               headers={"Content-Type": f"application/{kind}"})[1]
    same(send(event, "cloudevents+json", 202)["status"], "accepted", "a new event")
    same(send(event, "cloudevents+json", 200)["status"], "duplicate", "the same again")
    send({**event, "data": {"ticket": {"priority": "high"}}}, "cloudevents+json", 409)
    batch = [event, {**event, "id": "E-2"}, {"id": "E-3"}]
    same([one["status"] for one in send(batch, "cloudevents-batch+json", 207)["results"]],
         ["duplicate", "accepted", "invalid"], "a batch")
    headers = {"ce-specversion": "1.0", "ce-id": "E-4", "ce-source": "/cli", "ce-type": "ticket.created",
               "ce-subject": "ticket/E-4", "Content-Type": "application/json"}
    desk.ask("events", 202, method="POST", body={"ticket": {"priority": "low"}}, headers=headers)
    send(b"{", "cloudevents+json", 400)
    send({"id": "E-5"}, "cloudevents+json", 400)
    send(event, "xml", 415)
    send(b"[" + b" " * 1_100_000 + b"]", "cloudevents-batch+json", 413)
    desk.ask("events", 405, method="PUT", body={})
    desk.ask("hooks/desk", 401, method="POST", body={"id": "1", "subject": "x"})
    desk.ask("hooks/nobody", 404, method="POST", body={})


def check_reading(desk):
    """Everything on record, over HTTP."""
    desk.send("R-1", subject="ticket/R", priority="low")
    desk.send("R-2", "ticket.updated", "ticket/R", priority="high")
    decision = desk.ask("decisions/R-2")[1]
    same(decision["merged"][0]["to"], "high", "the change of R-2")
    desk.ask("decisions/unknown", 404)
    entity = desk.ask("entities/ticket/R")[1]
    same((entity["version"], entity["fields"]["priority"]), (2, "high"), "the entity")
    desk.ask("entities/ticket/unknown", 404)
    history = desk.ask("entities/ticket/R/history")[1]["records"]
    same([row["kind"] for row in history], ["decision", "event", "decision", "event"], "the history, newest first")
    desk.ask("entities/ticket/unknown/history", 404)
    page = desk.ask("entities/ticket/R/history?limit=3")
    same(len(page[1]["records"]), 3, "a page of the history")
    expect('rel="next"' in (page[0]["Link"] or ""), f"no next page: {page[0]}")
    streams = {one["stream"]: one["seq"] for one in desk.ask("journal")[1]["streams"]}
    expect(decision["journal"]["stream"] in streams, f"the streams are {streams}")
    rows = desk.ask(f"journal?stream={decision['journal']['stream']}&after={decision['journal']['seq'] - 1}&limit=1")
    same(rows[1]["records"][0]["cause_event"], "R-2", "the decision's row")
    for path, name in (("dead-letters", "dead_letters"), ("lanes", "lanes"), ("timers", "timers")):
        same(desk.ask(path)[1][name], [], path)
    same([rule["id"] for rule in desk.ask("rules")[1]["rules"]], ["urgent-ticket", "grant-wish"], "the rules")
    event = {"specversion": "1.0", "id": "D", "source": "/cli", "type": "ticket.created", "subject": "ticket/D",
             "data": {"ticket": {"priority": "urgent"}}}
    tried = desk.ask("dry-run", method="POST", body={"event": event, "explain": True})[1]
    same(tried["fired"], ["urgent-ticket"], "a dry run")
    expect(tried["trace"], "a dry run does not explain")
    desk.ask("decisions/D", 404)
    desk.ask("dry-run", 400, method="POST", body={})


def check_machines(desk):
    """What machines ask of the process itself; no key is needed."""
    same(desk.ask("/livez")[1]["status"], "alive", "livez")
    same(desk.ask("/readyz?verbose")[1]["status"], "ready", "readyz")
    expect(desk.ask("/version")[1]["version"], "no version")
    openapi = desk.ask("/v1/openapi.json")[1]
    expect(openapi["openapi"].startswith("3.1") and "/v1/{tenant}/events" in openapi["paths"], "the OpenAPI document")
    expect(desk.daemon.gauges()["signalbox_decisions_total"] > 0, "no decisions are counted")
    same(desk.daemon.call("HEAD", "/livez")[0], 200, "HEAD")
    same(desk.daemon.call("GET", "/v1/desk/journal")[0], 401, "without a key")
    same(desk.daemon.call("GET", "/nowhere")[0], 404, "an unknown path")
    status, headers, _ = desk.daemon.call("DELETE", "/livez")
    same((status, "GET" in headers["Allow"]), (405, True), "another method")


def check_dead_letters(desk):
    """Given up on, listed, retried in vain, retried with success, discarded."""
    desk.destination.control(status=422)
    desk.send("D-1", priority="urgent")
    letter = desk.wait_for_dead_letters(1)[0]
    same((letter["event"], letter["status"], letter["attempts"]), ("D-1", 422, 1), "the dead letter")
    same(desk.ask("dead-letters")[1]["dead_letters"][0]["key"], letter["key"], "the same over HTTP")
    desk.command("dead-letters", "retry", letter["key"])
    wait_until(lambda: len(desk.arrivals("D-1")) == 2, "it is not tried again")
    desk.wait_for_dead_letters(1)
    desk.destination.control(status=0)
    desk.command("dead-letters", "retry", letter["key"])
    wait_until(lambda: len(desk.arrivals("D-1")) == 3, "it is not tried again")
    desk.wait_for_dead_letters(0)
    same({line["key"] for line in desk.arrivals("D-1")}, {letter["key"]}, "the keys of all attempts")
    check_discarding(desk)
    check_giving_up(desk)


def check_discarding(desk):
    desk.destination.control(status=422)
    for name in ("D-2", "D-3", "D-4"):
        desk.send(name, priority="urgent")
    letters = {letter["event"]: letter["key"] for letter in desk.wait_for_dead_letters(3)}
    desk.command("dead-letters", "discard", letters["D-2"])
    desk.command("dead-letters", "discard", letters["D-2"], code=1)
    desk.command("dead-letters", "retry", "no-such-key", code=1)
    desk.command("dead-letters", "retry", code=2)
    desk.command("dead-letters", "retry", letters["D-3"], "--all", code=2)
    desk.ask(f"dead-letters/{letters['D-3']}/discard", method="POST", body={})
    desk.ask(f"dead-letters/{letters['D-3']}/discard", 404, method="POST", body={})
    desk.destination.control(status=0)
    desk.command("dead-letters", "retry", "--all")
    wait_until(lambda: len(desk.arrivals("D-4")) == 2, "--all does not try it again")
    desk.wait_for_dead_letters(0)
    same(len(desk.arrivals("D-2")), 1, "attempts at what was discarded")


def check_giving_up(desk):
    """What may work later is tried as often as the connection says."""
    desk.destination.control(status=503)
    desk.send("D-5", priority="urgent")
    letter = desk.wait_for_dead_letters(1)[0]
    same((letter["attempts"], len(desk.arrivals("D-5"))), (3, 3), "attempts before it is given up")
    desk.destination.control(status=0)
    desk.command("dead-letters", "discard", "--all")
    desk.wait_for_dead_letters(0)


def check_lanes(desk):
    """A lane that stumbles waits for an operator, others go on; a restart changes nothing about it."""
    lane = "ticket/L"
    desk.send("L-1", subject=lane, status="new")
    desk.send("L-2", "ticket.updated", lane, custom={"wish": "the moon"})
    decision = desk.ask("decisions/L-2")[1]
    same((decision["outcome"], decision["changes"]), ("error", []), "the decision it stumbled over")
    desk.send("L-3", "ticket.updated", lane, priority="high")
    desk.send("L-4", "ticket.updated", "ticket/M", priority="high")
    same(desk.ask("decisions/L-3", 202)[1]["status"], "pending", "the event behind it")
    same(desk.ask("decisions/L-4")[1]["outcome"], "ok", "another lane")
    listed = desk.records("lanes", "list")
    same([(one["subject"], one["event"], one["waiting"]) for one in listed], [(lane, "L-2", 1)], "blocked lanes")
    same(desk.ask("lanes")[1]["lanes"][0]["subject"], lane, "the same over HTTP")
    wait_until(lambda: desk.daemon.gauges()["signalbox_lanes_blocked"] == 1, "the metric does not say so")
    desk.command("lanes", "release", lane, code=2)
    desk.command("lanes", "release", "ticket/M", "--retry", code=1)
    desk.command("lanes", "release", lane, "--retry")
    wait_until(lambda: desk.records("lanes", "list"), "the retry did not stumble again", pause=0.05)
    desk.ask("decisions/L-3", 202)
    mend_and_release(desk, lane)
    discard(desk)


def mend_and_release(desk, lane):
    desk.write_desk(MENDED)
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    desk.daemon.start()
    same([one["subject"] for one in desk.records("lanes", "list")], [lane], "blocked lanes after a restart")
    desk.send("L-5", "ticket.updated", lane, priority="low")
    desk.command("lanes", "release", lane, "--retry")
    wait_until(lambda: desk.daemon.call("GET", "/v1/desk/decisions/L-5", key=desk.key)[0] == 200, "L-5 is not decided")
    same(desk.records("lanes", "list"), [], "blocked lanes")
    fields = desk.ask("entities/ticket/L")[1]["fields"]
    same((fields["status"], fields["priority"]), (MENDED, "low"), "what the retry and the waiting ones left")
    kinds = [record["kind"] for record in desk.records("history", lane)]
    same([kinds.count("lane_blocked"), kinds.count("lane_released")], [2, 2], "the lane's stumbles and releases")
    events = [record["body"]["event"]["id"] for record in desk.records("history", lane) if record["kind"] == "decision"]
    same([name for name in events if "~" not in name], ["L-1", "L-2", "L-3", "L-5"], "the order of decisions")


def discard(desk):
    desk.write_desk(BROKEN)
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    desk.daemon.start()
    desk.send("L-6", "ticket.updated", "ticket/N", custom={"wish": "two moons"})
    desk.send("L-7", "ticket.created", "ticket/N", priority="high")
    same(len(desk.records("lanes", "list")), 1, "blocked lanes")
    desk.ask("lanes/ticket/N/release", 400, method="POST", body={})
    desk.ask("lanes/ticket/N/release", method="POST", body={"mode": "discard"})
    wait_until(lambda: desk.daemon.call("GET", "/v1/desk/decisions/L-7", key=desk.key)[0] == 200, "L-7 is not decided")
    desk.ask("lanes/ticket/N/release", 404, method="POST", body={"mode": "discard"})


def check_why_not(desk, explained):
    """Every rule of the tenant is there, fired or not, with every condition and the value it saw."""
    rules = desk.ask("rules")[1]["rules"]
    for one in explained["trace"]["passes"]:
        same(sorted(rule["id"] for rule in one["rules"]), sorted(rule["id"] for rule in rules), "rules of a pass")
        expect(all("result" in rule["when"] for rule in one["rules"]), "a rule without its conditions")
    alone = desk.records("explain", "R-2", "--rule", "grant-wish")[0]
    for one in alone["trace"]["passes"]:
        same([rule["id"] for rule in one["rules"]], ["grant-wish"], "the rule that was asked for")
    desk.command("explain", "R-2", "--rule", "grant-wishes", code=1)


def check_auditing(desk):
    """explain, history and audit, beside the daemon."""
    explained = desk.records("explain", "R-2")[0]
    same(explained["reproduced"], True, "deciding R-2 again")
    expect("grant-wish" in desk.command("explain", "R-2"), "the explanation does not name the rule that did not fire")
    desk.command("explain", "nobody", code=1)
    check_why_not(desk, explained)
    check_ambiguous(desk)
    desk.command("history", "ticket/nobody", code=1)
    desk.command("history", "nonsense", code=2)
    same(len(desk.records("history", "ticket/R")), 4, "rows about ticket/R")
    report = desk.records("audit", "verify")[0]
    expect(report["ok"] and report["rows"] > 40, f"the journal: {report}")
    exported = [json.loads(line) for line in desk.command("audit", "export").splitlines()]
    same(len(exported), report["rows"], "exported rows")
    desk.daemon.command("explain", "R-2", code=2)  # two tenants: it has to say which


def check_ambiguous(desk):
    """Two sources may use one id: then the source has to be said."""
    for source in ("/one", "/two"):
        desk.send("A-1", subject="ticket/A" + source[1:], source=source, priority="low")
    desk.command("explain", "A-1", code=2)
    same(desk.records("explain", "A-1", "--source", "/two")[0]["event"]["subject"], "ticket/Atwo", "the one of /two")
    desk.command("explain", "A-1", "--source", "/three", code=1)
    problem = desk.ask("decisions/A-1", 409)[1]
    same(sorted(problem["sources"]), ["/one", "/two"], "the sources to choose from")
    same(desk.ask("decisions/A-1?source=/two")[1]["event"]["subject"], "ticket/Atwo", "the one of /two over HTTP")


def check_second_signal(desk):
    """A stop waits for requests in flight; a second signal does not, and nothing is lost by it."""
    desk.send("S-1", priority="low")
    with socket.create_connection(desk.daemon.address) as half:
        half.sendall(b"POST /v1/desk/events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                     b"Content-Type: application/cloudevents+json\r\nAuthorization: Bearer " + desk.key.encode() + b"\r\n\r\n{")
        stops = lambda: desk.daemon.log.read_text().count('"stopping"')
        before = stops()
        expect(desk.ask("/livez"), "it does not answer")  # so that the half request is known, too
        desk.daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: stops() > before, "it goes on as if nothing had been said")
        desk.daemon.process.send_signal(signal.SIGTERM)
        same(desk.daemon.wait_for_end(), 128 + signal.SIGTERM, "the exit code of a second signal")
    desk.command("audit", "verify")
    desk.daemon.start()
    desk.ask("decisions/S-1")


def check_one_owner(desk):
    """Nobody else may serve the store meanwhile; a command without a daemon performs itself, and a start waits for it."""
    desk.daemon.command("serve", "--tenants", desk.tenants, "--listen", "127.0.0.1:0", code=69)
    same(desk.daemon.stop(), 0, "the exit code of a stop")
    with open(desk.work / "store.db.lock", "r+") as lock:
        # As an owner holds it, for as long as a command may.
        whole_file = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(lock, F_OFD_SETLK, whole_file)
        threading.Timer(0.7, lambda: fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_UNLCK, 0, 0, 0, 0))).start()
        desk.daemon.start()
        same(desk.daemon.stop(), 0, "the exit code of a stop")
    key = desk.daemon.make_key("desk", "--name", "made without a daemon")
    desk.command("audit", "verify")
    desk.daemon.command("audit", "verify", "--tenant", "nobody", code=2)
    desk.daemon.command("keys", "create", "--tenant", "nobody", code=2)
    missing = desk.work / "missing.db"
    desk.daemon.command("keys", "create", "--tenant", "desk", "--store", f"sqlite:///{missing}", code=69, store=False)
    expect(not missing.exists(), "a command made a store")
    desk.daemon.command("replay", desk.tenants / "desk", "--events", "-", code=69, stdin="")
    desk.daemon.start()
    desk.ask("rules", key=key)
    same(desk.daemon.stop(), 0, "the exit code of a stop")


def check_standby(desk):
    """A second daemon waits for the store, answers questions meanwhile, and takes over when the owner is gone."""
    desk.daemon.start()
    second = Daemon(desk.daemon.program, desk.work, desk.tenants, {"CLI_SECRET": "secret"}, kept=desk.daemon.kept,
                    name="standby")
    try:
        second.stand_by()
        same(second.call("GET", "/livez")[0], 200, "whether it is alive")
        status, _, content = second.call("GET", "/readyz")
        same((status, content["reason"].startswith("standby: another process owns the store")), (503, True), content)
        event = {"specversion": "1.0", "id": "early", "source": "/cli", "type": "ticket.created", "subject": "ticket/S"}
        key = desk.daemon.make_key("desk", "--name", "of both")
        kind = {"Content-Type": "application/cloudevents+json"}
        status, headers, _ = second.call("POST", "/v1/desk/events", event, kind, key)
        same((status, "Retry-After" in headers), (503, True), "an event for one that stands by")
        same(second.call("GET", "/v1/desk/rules", key=key)[0], 200, "a question to one that stands by")
        desk.daemon.kill()
        second.wait_until_ready()
        same(second.call("POST", "/v1/desk/events", event, kind, key)[0], 202, "an event after it took over")
        same(second.stop(), 0, "the exit code of a stop")
    finally:
        second.end()


def check_tampering(desk):
    """One byte changed behind the engine's back is found and named."""
    with sqlite3.connect(desk.work / "store.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = next(name for name in tables if name.startswith("journal"))
        rows = database.execute(f"SELECT rowid, body FROM {table} WHERE body IS NOT NULL").fetchall()
        number, body = random.Random(1).choice(rows)
        changed = body[:-1] + (" " if isinstance(body, str) else b" ")
        database.execute(f"UPDATE {table} SET body = ? WHERE rowid = ?", (changed, number))
    database.close()
    expect("BAD" in desk.daemon.command("audit", "verify", code=1), "the change is not named")


def run(arguments):
    desk = Desk(arguments.signalbox, arguments.work)
    try:
        check_usage(desk)
        check_refused_starts(desk)
        desk.daemon.start()
        for check in (check_keys, check_intake, check_reading, check_machines, check_dead_letters, check_lanes,
                      check_auditing, check_second_signal, check_one_owner, check_standby,
                      check_tampering):
            check(desk)
            print(f"{check.__name__}: fine", flush=True)
    finally:
        desk.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/e2e-cli", help="folder for store and logs, made afresh")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
