#!/usr/bin/env python3
"""Senders of every kind: signed webhooks as the vendors send them and CloudEvents with an API key.

A lane's story is told by one sender, one request after the other; a few hot lanes are written to by all. Whoever gets
no answer or a 503 sends the same again, as vendors do. Mixed in: duplicates, old news, another content under a known
id, forged and stale signatures, bodies that are no JSON, connections that do not exist, senders that hang up.
What was sent and what was answered stands in the log.
"""
import asyncio
import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from rig.destination import Log, reset_on_close
from rig.tenant import CASES, NAME, SECRETS, wanted

ANSWER_SECONDS_MAX = 60
RETRY_SECONDS = 0.03
MOVED_POLL_SECONDS = 0.1
RETRY_AFTER_SECONDS_MAX = 2.0
HOT_LANES = 4
SOURCES = {"helpninja": "helpninja/helpninja", "zendesk": "zendesk/zendesk", "forms": "webhook/forms", "events": "/crm"}
STATUSES = {
    "forged": {401}, "garbage": {400, 413}, "unknown": {404},
    "clash": {"events": {409}, "forms": {200}},
    "fresh": {"events": {200, 202}}, "stale": {"events": {200, 202}}, "duplicate": {"events": {200}},
}
OPEN_FOR = ["200ms"] * 6 + ["400ms"] * 2 + ["1500ms", "4s"]  # a case, once somebody has it
# Shares of what is sent beside the story.
MIX = {"duplicate": 0.05, "stale": 0.03, "forged": 0.02, "garbage": 0.015, "unknown": 0.005, "clash": 0.02}
HANG_UP = 0.01
VENDOR_TIME = datetime(2026, 5, 4, 8, tzinfo=timezone.utc)  # fixed, so that a seed gives the same bodies and ids
HOT = 0.06


def mac(secret, message):
    return hmac.new(SECRETS[secret].encode(), message, hashlib.sha256).digest()


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass
class Request:
    kind: str
    to: str  # the connection, or `events`
    body: bytes
    events: list = field(default_factory=list)  # (source, id, subject), in the order of the body
    wants: list = field(default_factory=list)  # for each of them the identities of its actions
    headers: dict = field(default_factory=dict)
    fault: str = ""  # what is wrong with the signature of a forged one
    path: str = ""
    content_type: str = "application/json"

    def again(self, kind):
        return Request(kind, self.to, self.body, self.events, self.wants, self.headers, "", "", self.content_type)

    def statuses(self):
        known = STATUSES[self.kind]
        return known.get(self.to, {200}) if isinstance(known, dict) else known


def signature_headers(request, key, ahead=0):
    """What proves the sender, made at the moment of sending."""
    body = request.body + b"!" if request.fault == "other body" else request.body
    if request.to == "events":
        return {"Authorization": "Bearer " + ("sbx_nobody_nothing" if request.fault else key)}
    if request.fault == "no signature":
        return {}
    if request.to == "zendesk":
        now = datetime.now(timezone.utc) + timedelta(seconds=ahead)
        when = stamp(now - timedelta(minutes=9) if request.fault == "old" else now)
        digest = base64.b64encode(mac("RIG_ZENDESK_SECRET", when.encode() + body)).decode()
        return {"X-Zendesk-Webhook-Signature": digest, "X-Zendesk-Webhook-Signature-Timestamp": when}
    name = "X-HelpNinja-Signature" if request.to == "helpninja" else "X-Signature-256"
    secret = "RIG_HELPNINJA_SECRET" if request.to == "helpninja" else "RIG_FORMS_SECRET"
    digest = mac(secret, body).hex()
    return {name: "sha256=" + (digest[:-2] if request.fault == "cut" else digest)}


class Story:
    """The requests of one lane, in order; the same for the same seed and number."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")
        self.name = f"{number}"
        self.requests = []
        self.time = VENDOR_TIME
        self.count = 0
        self.misdeeds = 0

    def tell(self):
        teller = self.random.choices([self.chat, self.ticket, self.form, self.record, self.case],
                                     [40, 20, 12, 13, 25])[0]
        teller()
        return self.requests

    # what happens, by system

    def chat(self):
        self.say_chat("conversation.started", initial_message="Hello")
        for _ in range(self.random.randint(2, 7)):
            self.say_chat("message.sent", sender=self.random.choice(["customer", "ai", "agent"]), content="well")
        if self.random.random() < 0.4:
            self.say_chat("conversation.escalated", escalation_reason="asked", confidence_score=0.2)
        self.say_chat("conversation.resolved", summary="done")

    def say_chat(self, what, kind="fresh", **facts):
        self.count += 1
        data = {"conversation_id": f"c{self.name}", **facts}
        if what == "message.sent":
            data["message_id"] = f"m{self.name}.{self.count}"
        body = compact({"event": what, "timestamp": self.when(kind), "tenant_id": "t", "n": self.count, "data": data})
        # helpNINJA has no delivery id, so the digest of the body is the event's.
        self.add(kind, "helpninja", body, hashlib.sha256(body).hexdigest(), f"conversation/helpninja:c{self.name}",
                 what, facts)

    def ticket(self):
        self.say_ticket("ticket.created", "NEW")
        for _ in range(self.random.randint(1, 6)):
            self.say_ticket("ticket.status_changed", self.random.choice(["OPEN", "PENDING", "HOLD", "SOLVED"]))

    def say_ticket(self, what, status, kind="fresh"):
        self.count += 1
        name = f"Z{self.name}.{self.count}"
        detail = {"id": f"9{self.name}", "status": status, "priority": "HIGH", "subject": "Printer", "tags": ["a"]}
        body = compact({"type": f"zen:event-type:{what}", "id": f"e{name}", "time": self.when(kind), "detail": detail,
                        "subject": f"zen:ticket:9{self.name}", "event": {"previous": "OPEN", "current": status}})
        self.add(kind, "zendesk", body, name, f"ticket/zendesk:9{self.name}", what, {},
                 {"X-Zendesk-Webhook-Invocation-Id": name})

    def form(self):
        forms = [self.one_form() for _ in range(self.random.choice([1, 1, 1, 3]))]
        if len(forms) == 1:
            self.add("fresh", "forms", compact(forms[0]), forms[0]["id"], f"ticket/forms:{forms[0]['id']}", "form",
                     forms[0])
        else:
            self.add_all("forms", compact(forms), [(form["id"], f"ticket/forms:{form['id']}", form) for form in forms])

    def one_form(self):
        self.count += 1
        return {"id": f"F{self.name}-{self.count}", "subject": "A question",
                "priority": self.random.choice(["low", "urgent", "normal"])}

    def record(self):
        subject = f"ticket/CRM-{self.name}"
        self.say_record("ticket.created", subject)
        for _ in range(self.random.randint(1, 4)):
            self.say_record("ticket.updated", subject)
        if self.random.random() < 0.3:
            self.say_batch(subject)

    def case(self):
        """For the desk: who gets it, who is told and when it is solved is all the engine's affair."""
        subject = f"ticket/CASE-{self.name}"
        self.say_case("ticket.created", subject, status="open", channel=self.random.choice(["chat", "email"]),
                      tags=self.random.choice([[], [], ["hard"]]), custom={"case": self.name, "open_for": self.random.choice(OPEN_FOR)})
        for _ in range(self.random.randint(0, 2)):
            self.say_case("ticket.updated", subject, priority=self.random.choice(["low", "high", "urgent"]))
        if self.random.random() < 0.5:
            self.say_case("ticket.answered", subject)

    def say_case(self, what, subject, **fields):
        envelope = self.envelope(what, subject)
        envelope["source"] = CASES
        envelope["data"]["ticket"].update(fields)
        self.add("fresh", "events", compact(envelope), envelope["id"], subject, what, {},
                 content_type="application/cloudevents+json", source=CASES)

    def envelope(self, what, subject, kind="fresh"):
        self.count += 1
        return {"specversion": "1.0", "id": f"R{self.name}.{self.count}", "source": "/crm", "type": what,
                "subject": subject, "time": self.when(kind), "data": {"ticket": {"subject": f"number {self.count}"}}}

    def say_record(self, what, subject, kind="fresh", timed=True):
        envelope = self.envelope(what, subject, kind)
        if not timed:  # those who write to one lane have clocks of their own; without a time nothing is old news
            del envelope["time"]
        self.add(kind, "events", compact(envelope), envelope["id"], subject, what, {},
                 content_type="application/cloudevents+json")

    def say_batch(self, subject):
        envelopes = [self.envelope("ticket.updated", subject) for _ in range(3)]
        self.add_all("events", compact(envelopes), [(one["id"], subject, {}) for one in envelopes],
                     "application/cloudevents-batch+json")

    def when(self, kind):
        self.time += timedelta(seconds=1)
        return stamp(self.time - timedelta(hours=12) if kind == "stale" else self.time)

    # how it is sent

    def add(self, kind, to, body, event_id, subject, what, facts, headers=None, content_type="application/json",
            source=None):
        wants = [] if kind == "stale" or source else wanted(to, event_id, what, facts)
        self.requests.append(Request(kind, to, body, [(source or SOURCES[to], event_id, subject)], [wants],
                                     headers or {}, content_type=content_type))
        if kind == "fresh":
            self.stray(to, subject, what)

    def add_all(self, to, body, items, content_type="application/json"):
        events = [(SOURCES[to], event_id, subject) for event_id, subject, _ in items]
        wants = [wanted(to, event_id, "", facts) for event_id, _, facts in items]
        self.requests.append(Request("fresh", to, body, events, wants, content_type=content_type))

    def stray(self, to, subject, what):
        """What goes wrong beside the story, right after a part of it."""
        for kind, share in MIX.items():
            if self.random.random() < share:
                getattr(self, "stray_" + kind)(to, subject, what)
        if self.random.random() < HOT:
            self.say_record("ticket.updated", f"ticket/HOT-{self.random.randrange(HOT_LANES)}", timed=False)

    def stray_duplicate(self, to, subject, what):
        told = [one for one in self.requests if one.kind == "fresh"]
        self.requests.append(self.random.choice(told).again("duplicate"))

    def stray_stale(self, to, subject, what):
        if to == "helpninja":
            self.say_chat("message.sent", "stale", sender="customer", content="long ago")
        elif to == "zendesk":
            self.say_ticket("ticket.status_changed", "OPEN", "stale")
        elif to == "events" and "HOT" not in subject:
            self.say_record("ticket.updated", subject, "stale")

    def stray_clash(self, to, subject, what):
        if to not in ("forms", "events"):
            return
        known = self.requests[-1]
        if known.kind != "fresh" or len(known.events) != 1 or known.to != to:
            return
        document = json.loads(known.body)
        document.update({"data": {"ticket": {"subject": "other"}}} if to == "events" else {"subject": "other"})
        self.requests.append(Request("clash", to, compact(document), known.events, known.wants,
                                     content_type=known.content_type))

    def stray_forged(self, to, subject, what):
        fault = self.random.choice({"zendesk": ["old", "other body", "no signature"], "events": ["no key"]}.get(
            to, ["other body", "no signature", "cut"]))
        self.misdeed("forged", to, fault)

    def stray_garbage(self, to, subject, what):
        body = self.random.choice([b"{\"event\":", b"not json", b"\xff\xfe{}", b"{\"a\":1}{\"b\":2}", b"[" * 5000])
        request = Request("garbage", to, body + f" {self.name}.{self.misdeeds}".encode(), headers=self.invocation(to))
        request.content_type = "application/cloudevents+json" if to == "events" else request.content_type
        self.misdeeds += 1
        self.requests.append(request)

    def stray_unknown(self, to, subject, what):
        self.misdeed("unknown", to, "")
        self.requests[-1].path = self.random.choice([f"/v1/{NAME}/hooks/nobody", f"/v1/stranger/hooks/{to}"])

    def misdeed(self, kind, to, fault):
        """An event that would be fine, under an id that only this request has."""
        self.misdeeds += 1
        name = f"X{self.name}.{self.misdeeds}"
        story = Story(0, name)
        story.random.random = lambda: 1.0  # tells its story straight
        {"helpninja": lambda: story.say_chat("message.sent", sender="customer", content=name),
         "zendesk": lambda: story.say_ticket("ticket.created", "NEW"),
         "forms": story.form,
         "events": lambda: story.say_record("ticket.created", f"ticket/{name}")}[to]()
        request = story.requests[0].again(kind)
        request.fault = fault
        self.requests.append(request)

    def invocation(self, to):
        return {"X-Zendesk-Webhook-Invocation-Id": f"G{self.name}.{self.misdeeds}"} if to == "zendesk" else {}


class Sender:
    """One kept connection of one worker."""

    def __init__(self):
        self.reader = self.writer = self.address = None

    async def call(self, address, path, headers, body, hang_up):
        """Status and headers and body; none of them when the sender hung up. Fails as the network fails."""
        if self.address != address:
            self.close()
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(*address)
            self.address = address
        lines = [f"POST {path} HTTP/1.1", "Host: signalbox.test", f"Content-Length: {len(body)}",
                 *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()
        if hang_up:
            reset_on_close(self.writer)
            self.close()
            raise ConnectionAbortedError("we hung up")
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        answer = await self.reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            self.close()
        return int(head[0].split(" ")[1]), fields, answer

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = self.address = None


def path_of(request):
    return request.path or (f"/v1/{NAME}/events" if request.to == "events" else f"/v1/{NAME}/hooks/{request.to}")


def headers_of(request, key, ahead=0):
    return {"Content-Type": request.content_type, **request.headers, **signature_headers(request, key, ahead)}


def storm(log, address, key, senders, times):
    """One and the same webhook from many at once, again and again; counts the answers by (status, body)."""
    story = Story("storm", "S")
    story.say_chat("message.sent", sender="customer", content="over and over")
    request = story.requests[0]
    answers = Counter()

    async def send():
        sender = Sender()
        for _ in range(times):
            headers = headers_of(request, key)
            status, _, body = await sender.call(address, path_of(request), headers, request.body, False)
            answers[status, body] += 1
        sender.close()

    async def send_all():
        await asyncio.gather(*(send() for _ in range(senders)))

    log = Log(log)
    log.write({"sent": "storm", "t": time.monotonic(), "kind": "fresh", "to": request.to, "events": request.events,
               "wants": request.wants})
    asyncio.run(send_all())
    log.write({"ack": "storm", "t": time.monotonic(), "status": 200, "tries": senders * times})
    return answers


class Load:
    """Sends stories until so many requests are through, or for as long as it is not stopped."""

    def __init__(self, log, seed, requests, workers=32, rate=None, prefix=""):
        self.log = Log(log)
        self.seed = seed
        self.wanted = requests
        self.workers = workers
        self.rate = rate
        self.prefix = prefix
        self.address = None  # where the daemon is; None while there is none
        self.key = ""
        self.ahead = 0  # seconds that the daemon's clock is before ours
        self.counts = Counter()
        self.surprises = []
        self.stopping = False
        self.stories = 0
        self.drawn = 0
        self.sent = 0
        self.next_send = 0.0
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self, address, key):
        self.address, self.key = address, key
        self.thread.start()

    def stop(self):
        """Ends after what is being sent; what has no answer yet stays without one."""
        self.stopping = True
        self.join()

    def join(self, seconds=300):
        self.thread.join(seconds)
        if self.failure:
            raise self.failure
        if self.thread.is_alive():
            raise AssertionError(f"the senders do not end: {dict(self.counts)}")

    def alive(self):
        if self.failure:
            raise self.failure
        return self.thread.is_alive()

    def _run(self):
        try:
            asyncio.run(self._work())
        except Exception as error:  # shown to whoever joins
            self.failure = error

    async def _work(self):
        self.next_send = time.monotonic()
        await asyncio.gather(*(self._tell_stories(number) for number in range(self.workers)))

    def _next_story(self):
        if self.stopping or (self.wanted and self.drawn >= self.wanted):
            return None
        self.stories += 1
        story = Story(self.seed, f"{self.prefix}{self.stories}").tell()
        self.drawn += len(story)
        return story

    async def _tell_stories(self, number):
        sender = Sender()
        chance = random.Random(f"{self.seed}/worker {number}")
        try:
            while story := self._next_story():
                for request in story:
                    if not await self._deliver(sender, request, chance):
                        return
        finally:
            sender.close()

    async def _pace(self):
        if self.rate:
            self.next_send = max(self.next_send + 1 / self.rate, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, self.next_send - time.monotonic()))

    async def _deliver(self, sender, request, chance):
        """Sends until there is an answer. False when the load is to stop first."""
        await self._pace()
        self.sent += 1
        name = f"{self.prefix}{self.sent}"
        self.log.write({"sent": name, "t": time.monotonic(), "kind": request.kind, "to": request.to,
                        "events": request.events, "wants": request.wants})
        self.counts["requests"] += 1
        self.counts[request.kind] += 1
        tries = 0
        while not self.stopping:
            tries += 1
            hang_up = tries == 1 and chance.random() < HANG_UP
            answer = await self._try(sender, request, hang_up)
            if answer is None:
                self.counts["resent"] += 1
                await asyncio.sleep(RETRY_SECONDS)
                continue
            status, headers, body = answer
            if status == 503:
                await self._back_off(headers)
                continue
            self.log.write({"ack": name, "t": time.monotonic(), "status": status, "tries": tries})
            self._judge(request, status, body, tries)
            return True
        return False

    async def _try(self, sender, request, hang_up):
        address = self.address
        if address is None:
            return None
        call = sender.call(address, path_of(request), headers_of(request, self.key, self.ahead), request.body, hang_up)
        try:
            return await asyncio.wait_for(self._unless_moved(call, address), ANSWER_SECONDS_MAX)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            if isinstance(error, asyncio.TimeoutError):
                self.surprises.append(f"no answer within {ANSWER_SECONDS_MAX} s")
            sender.close()
            return None

    async def _unless_moved(self, call, address):
        """Nobody waits on for an answer from where the daemon is no longer."""
        asked = asyncio.ensure_future(call)
        try:
            while not (await asyncio.wait({asked}, timeout=MOVED_POLL_SECONDS))[0]:
                if self.address not in (address, None):
                    raise ConnectionAbortedError("the daemon is elsewhere")
            return asked.result()
        finally:
            asked.cancel()

    async def _back_off(self, headers):
        self.counts["answered 503"] += 1
        after = headers.get("retry-after", "")
        if not after.isdigit():
            self.surprises.append("a 503 without Retry-After")
        await asyncio.sleep(min(float(after or 1), RETRY_AFTER_SECONDS_MAX))

    def _judge(self, request, status, body, tries):
        self.counts["answered"] += 1
        if status not in request.statuses():
            self.surprises.append(f"{request.kind} to {request.to} was answered {status}: {body[:200]!r}")
        elif status == 200 and request.to != "events" and len(request.events) == 1:
            ids = json.loads(body).get("ids")
            if ids != [request.events[0][1]]:
                self.surprises.append(f"{request.kind} to {request.to} is known as {ids}, not {request.events[0][1]}")
        elif request.kind == "fresh" and tries == 1 and request.to == "events" and status != 202:
            self.surprises.append(f"a new event was answered {status}: {body[:200]!r}")
