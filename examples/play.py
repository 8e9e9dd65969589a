#!/usr/bin/env python3
"""Shows Signalbox at work: starts it on a fresh SQLite store, plays a recorded day of webhooks through its front door
and prints what it decides.

Only the standard library is used. The requests in examples/acme/day.jsonl are signed here, at the moment they are
sent, with the demo secrets below; what should be refused is signed wrongly on purpose.
"""
import argparse
import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
TENANT = "acme"
# Demo values, known to everybody who reads this: a real installation takes its own from its environment.
SECRETS = {
    "ACME_HELPNINJA_SECRET": "demo-helpninja-secret",
    "ACME_ZENDESK_SECRET": "demo-zendesk-secret",
    "ACME_FORMS_SECRET": "demo-forms-secret",
}
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
DELIVERED = 'signalbox_delivery_attempts_total{outcome="done"}'


# --- the sender's side: signatures as the vendors make them ---------------------------------------------------------

def mac(secret, message):
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def sign_helpninja(secret, body):
    return {"X-HelpNinja-Signature": "sha256=" + mac(secret, body).hex()}


def sign_zendesk(secret, body):
    stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = base64.b64encode(mac(secret, stamp.encode() + body)).decode()
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": stamp}


def sign_forms(secret, body):
    return {"X-Signature-256": "sha256=" + mac(secret, body).hex()}


SIGNERS = {
    "helpninja": (sign_helpninja, "ACME_HELPNINJA_SECRET"),
    "zendesk": (sign_zendesk, "ACME_ZENDESK_SECRET"),
    "forms": (sign_forms, "ACME_FORMS_SECRET"),
}


def headers_for(request, body, key):
    """The recorded headers and, over them, who the sender is: a signature, a key, or a forged one."""
    headers = {"Content-Type": request.get("content_type", "application/json"), **request.get("headers", {})}
    forged = request.get("forged", False)
    if request["to"] == "events":
        headers["Authorization"] = "Bearer " + ("not-a-key" if forged else key)
    elif request["to"] in SIGNERS:
        signer, secret = SIGNERS[request["to"]]
        headers.update(signer("somebody else's secret" if forged else SECRETS[secret], body))
    return headers


# --- the daemon -----------------------------------------------------------------------------------------------------

class Daemon:
    """The served demo; stop() ends it as an operator would."""

    def __init__(self, program, work, port, folder):
        self.program = os.path.abspath(program)
        self.work = Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.store = f"sqlite:///{self.work}/acme.db"
        self.address = ("127.0.0.1", port or free_port())
        self.log = self.work / "serve.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--tenants", str(folder), "--store", self.store,
                 "--listen", "{}:{}".format(*self.address)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **SECRETS})

    def wait_until_ready(self):
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if Client(self.address).call("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit(f"the daemon did not become ready:\n{self.log.read_text(errors='replace')[-3000:]}")

    def metric(self, name):
        """Sums the samples of a metric whose text begins with `name`; labels may be part of it."""
        text = Client(self.address).call("GET", "/metrics")[1]
        samples = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(name)]
        return int(sum(float(value) for _, value in samples))

    def wait_until_idle(self):
        """Until every action has been delivered and every result decided."""
        until = time.monotonic() + START_SECONDS_MAX
        waiting = ("signalbox_outbox_depth", "signalbox_pending_events", "signalbox_intake_waiting")
        while time.monotonic() < until and any(self.metric(name) for name in waiting):
            time.sleep(0.05)

    def command(self, *words):
        done = subprocess.run([self.program, *words, "--store", self.store], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"signalbox {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """One kept connection; `call` gives status and parsed body."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(*address, timeout=30)

    def call(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")


# --- the day --------------------------------------------------------------------------------------------------------

class Day:
    """Plays the requests and keeps count."""

    def __init__(self, client, key, screen):
        self.client = client
        self.key = key
        self.screen = screen
        self.counts = Counter()
        self.rules = Counter()
        self.actions = Counter()
        self.surprises = []
        self.known = set()
        self.emitted = []  # (time, id) of events that rules emitted; decided soon after
        self.example = None  # an event worth explaining

    def play(self, requests):
        for request in requests:
            self.send(request)

    def send(self, request):
        body = raw_body(request)
        path = f"/v1/{TENANT}/events" if request["to"] == "events" else f"/v1/{TENANT}/hooks/{request['to']}"
        status, answer = self.client.call("POST", path, body, headers_for(request, body, self.key))
        self.counts["requests"] += 1
        if request.get("forged"):
            return self.refused(request, status)
        if status not in (200, 201, 202):
            return self.surprise(request, f"answered {status}: {answer}")
        if "created_count" in answer:  # a list of forms: the answer counts
            self.counts["events"] += answer["created_count"]
        for event_id in ids_of(answer):
            self.taken(request, event_id)

    def refused(self, request, status):
        if status not in (401, 403):
            return self.surprise(request, f"a forged request was answered {status}")
        self.counts["refused"] += 1
        self.screen.line(request["at"], "refused", request["to"], f"{status}, {request['note']}")

    def taken(self, request, event_id):
        if (request["to"], event_id) in self.known:
            self.counts["duplicates"] += 1
            return self.screen.line(request["at"], "duplicate", request["to"], f"{short(event_id, 20)} {request.get('note', '')}")
        self.known.add((request["to"], event_id))
        self.counts["events"] += 1
        self.look_up(request, event_id)

    def look_up(self, request, event_id):
        status, decision = self.client.call("GET", f"/v1/{TENANT}/decisions/{event_id}",
                                            headers={"Authorization": f"Bearer {self.key}"})
        if status != 200:
            return self.surprise(request, f"no decision for {event_id}: {status}")
        self.decided(request, decision)

    def look_at_emitted(self):
        while self.emitted:
            at, event_id = self.emitted.pop(0)
            self.look_up({"at": at, "to": "emitted"}, event_id)

    def decided(self, request, decision):
        self.counts["decisions"] += 1
        self.emitted += [(request["at"], f"{decision['event']['id']}~{n}") for n in range(len(decision["emitted"]))]
        self.counts[decision["outcome"]] += 1
        self.rules.update(decision["fired"])
        self.actions.update(f"{action['connection']}.{action['action']}" for action in decision["actions"])
        if len(decision["actions"]) > 1:
            self.example = decision["event"]
        if decision["fired"]:
            self.screen.decision(request["at"], decision)

    def surprise(self, request, what):
        self.surprises.append(f"{request['at']} {request['to']}: {what}")
        self.screen.line(request["at"], "unexpected", request["to"], what)


def raw_body(request):
    return json.dumps(request["body"], ensure_ascii=False, separators=(",", ":")).encode()


def ids_of(answer):
    """The events an answer names: a hook's `ids`, the events API's `id` or `results`."""
    if "results" in answer:
        return [item["id"] for item in answer["results"]]
    return answer.get("ids") or ([answer["id"]] if "id" in answer else [])


# --- what the reader sees -------------------------------------------------------------------------------------------

class Screen:
    COLOURS = {"event": "36", "rule": "32", "action": "33", "refused": "31", "duplicate": "35", "unexpected": "41",
               "quiet": "2", "head": "1"}

    def __init__(self, colours):
        self.colours = colours

    def paint(self, kind, text):
        return f"\033[{self.COLOURS[kind]}m{text}\033[0m" if self.colours else text

    def line(self, at, kind, where, text):
        print(f"{self.paint('quiet', at[11:19])} {self.paint(kind, kind.ljust(10))} {where}: {text}")

    def decision(self, at, decision):
        event = decision["event"]
        fired = self.paint("rule", " ".join(decision["fired"]))
        print(f"{self.paint('quiet', at[11:19])} {self.paint('event', event['type'])} {event['subject']} → {fired}")
        for change in decision["changes"]:
            print(f"           {change['field']}: {short(change['from'])} → {short(change['to'])}")
        for action in decision["actions"]:
            name = self.paint("action", f"{action['connection']}.{action['action']}")
            print(f"           {name} {short(action['params'])}")

    def head(self, text):
        print("\n" + self.paint("head", text))


def short(value, size=96):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= size else text[:size - 1] + "…"


def print_summary(daemon, day, seconds, screen):
    counts = day.counts
    screen.head("The day in numbers")
    print(f"  {counts['requests']} requests in {seconds:.1f} s: {counts['events']} events,"
          f" {counts['duplicates']} duplicates recognised, {counts['refused']} forged requests refused")
    print(f"  {daemon.metric('signalbox_decisions_total')} decisions, those on what flowed back included"
          f" (emitted events, contacts seen in a payload, results of actions)")
    print(f"  {sum(day.rules.values())} firings of {len(day.rules)} rules")
    for rule, count in day.rules.most_common():
        print(f"    {count:4d}  {rule}")
    print(f"  {sum(day.actions.values())} actions asked for; with write-backs and what followed"
          f" {daemon.metric(DELIVERED)} deliveries, all in sandbox mode: recorded, not sent")
    for action, count in day.actions.most_common():
        print(f"    {count:4d}  {action}")
    for surprise in day.surprises:
        print("  " + screen.paint("unexpected", surprise))


def print_next(daemon, day, key, serving, screen):
    program, store = os.path.relpath(daemon.program), daemon.store
    event = day.example or {"id": "EVENT_ID", "subject": "SUBJECT"}
    screen.head("What to look at next")
    print(f"  {program} explain {event['id']} --store {store}")
    print(f"  {program} history {event['subject']} --store {store}")
    print(f"  {program} audit verify --store {store}")
    print(f"  {program} dry-run {os.path.relpath(EXAMPLES / TENANT)} --event"
          f" {os.path.relpath(EXAMPLES / TENANT / 'event.json')} --explain")
    if serving:
        url = "http://{}:{}".format(*daemon.address)
        print(f"  curl -H 'Authorization: Bearer {key}' {url}/v1/{TENANT}/decisions/{event['id']}")
        print(f"  curl {url}/metrics    curl {url}/readyz    log: {os.path.relpath(daemon.log)}")


def verify(daemon, day):
    """What must be true of the played day; used by the tests."""
    wrong = list(day.surprises)
    for name, least in (("events", 250), ("duplicates", 5), ("refused", 4)):
        if day.counts[name] < least:
            wrong.append(f"only {day.counts[name]} {name}")
    if day.counts["ok"] + day.counts["stale"] != day.counts["decisions"]:
        wrong.append(f"outcomes: {dict(day.counts)}")
    if daemon.metric("signalbox_duplicates_total") != day.counts["duplicates"]:
        wrong.append("the daemon counts other duplicates")
    if daemon.metric(DELIVERED) < sum(day.actions.values()):
        wrong.append("not every action was delivered")
    daemon.command("audit", "verify")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program to show")
    parser.add_argument("--work", default="build/demo", help="folder for the store and the log, made afresh")
    parser.add_argument("--tenant", default=EXAMPLES / TENANT, help=f"the folder to serve as tenant {TENANT}")
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 = any free port")
    parser.add_argument("--once", action="store_true", help="stop after the day instead of serving on")
    parser.add_argument("--verify", action="store_true", help="end with 1 unless the day went as it must")
    arguments = parser.parse_args()

    screen = Screen(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    daemon = Daemon(arguments.signalbox, arguments.work, arguments.port, arguments.tenant)
    try:
        return show(arguments, daemon, screen)
    except KeyboardInterrupt:
        return 0
    finally:
        code = daemon.stop()
        if code != 0:
            print(f"the daemon ended with {code}; its log: {daemon.log}", file=sys.stderr)


def show(arguments, daemon, screen):
    daemon.wait_until_ready()
    key = json.loads(daemon.command("keys", "create", "--tenant", TENANT, "--name", "demo", "--json"))["key"]
    requests = [json.loads(line) for line in (EXAMPLES / TENANT / "day.jsonl").read_text().splitlines()]
    day = Day(Client(daemon.address), key, screen)
    screen.head(f"A day at acme: {len(requests)} requests to http://{daemon.address[0]}:{daemon.address[1]}")
    began = time.monotonic()
    day.play(requests)
    seconds = time.monotonic() - began
    daemon.wait_until_idle()
    day.look_at_emitted()
    print_summary(daemon, day, seconds, screen)
    serving = not arguments.once and sys.stdin.isatty()
    print_next(daemon, day, key, serving, screen)
    if arguments.verify:
        wrong = verify(daemon, day)
        print("\n".join(wrong), file=sys.stderr)
        return 1 if wrong else 0
    if serving:
        print("\nServing until Ctrl-C.")
        daemon.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
