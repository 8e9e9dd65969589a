#!/usr/bin/env python3
"""Makes day.jsonl: a Monday at acme as raw requests, in order of time. Everything in it is invented.

A line is {"at", "to", "headers"?, "content_type"?, "body", "forged"?, "note"?}: `to` is a connection's hook or `events`;
signatures are made when the request is sent. Run it again after a change: the same program makes the same day.
"""
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

MONDAY = datetime(2026, 5, 4, 7, 30, tzinfo=timezone.utc)
dice = random.Random(4)

COMPANIES = [  # name, domain, tier, yearly revenue, owner
    ("Brightwater Foods", "brightwater.example", "enterprise", 240000, "ines"),
    ("Kellerman Optik", "kellerman.example", "enterprise", 130000, "jonas"),
    ("Nordlys Energi", "nordlys.example", "enterprise", 96000, None),
    ("Atelier Vauban", "vauban.example", "team", 18000, None),
    ("Pinecrest Schools", "pinecrest.example", "team", 12000, None),
    ("Osei & Daughters", "osei.example", "team", 7200, None),
    ("Tandem Cycles", "tandem.example", "free", 0, None),
    ("Lume Studio", "lume.example", "free", 0, None),
]
PEOPLE = ["Maya Lindqvist", "Tom Adeyemi", "Clara Roux", "Felix Brandt", "Noor Haddad", "Sam Whitfield", "Eva Novak",
          "Luis Prado", "Hana Mori", "Piotr Zielinski", "Greta Olsen", "Omar Farouk", "Julie Caron", "Anton Weiss",
          "Rita Alves", "Ben Archer", "Yuki Tan", "Lena Fuchs", "Kofi Mensah", "Irene Costa", "David Stone", "Marta Vega",
          "Paul Girard", "Nina Berg"]
LANGUAGES = {"kellerman.example": "de", "vauban.example": "fr"}

QUESTIONS = ["How do I invite a colleague?", "Where can I change the logo?", "Does the export keep custom columns?",
             "Can I move a board to another workspace?", "Is there a dark mode?", "How do I connect the calendar?"]
SUBJECTS = {
    "question": ["Import of old boards", "Question about permissions", "Where is the archive?", "Columns in the report",
                 "Calendar shows the wrong week", "Mobile app and tablets", "Attachment size"],
    "billing": ["Invoice for April", "We were charged twice", "Refund for unused seats", "Billing address on the invoice",
                "Rechnung April", "Facture manquante"],
    "outage": ["Login page is down", "Error 502 on every board", "Workspace unreachable", "Outage? Nothing loads"],
    "security": ["Phishing mail in your name", "CVE-2026-10431: are you affected?"],
    "spam": ["Win the JACKPOT today", "Your casino bonus"],
    "auto": ["Out of office: back on Thursday", "Automatic reply: Invoice for April"],
}


def slug(name):
    return name.lower().replace(" ", ".").replace("&", "and")


def contacts():
    for number, name in enumerate(PEOPLE):
        company, domain, tier, arr, owner = COMPANIES[number % len(COMPANIES)]
        more = {"owner": owner} if owner else {}
        yield {"id": f"crm-{100 + number}", "name": name, "email": f"{slug(name)}@{domain}", "company": company, "tier": tier,
               "language": LANGUAGES.get(domain, "en"), "custom": {"arr": arr}, **more}


CONTACTS = list(contacts())
requests = []


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(at, low, high):
    return at + timedelta(seconds=dice.randint(low, high))


def send(at, to, body, **more):
    requests.append({"at": text(at), "to": to, "body": body, **more})


# --- CRM: contacts and leads as CloudEvents ---------------------------------------------------------------------------

def cloud_event(at, number, type_, subject, data):
    return {"specversion": "1.0", "id": number, "source": "/crm/acme", "type": type_, "subject": subject, "time": text(at),
            "data": data}


def crm_sync(at):
    """The nightly list of contacts, as one batch of CloudEvents."""
    batch = [cloud_event(at, f"crm-sync-{c['id']}", "contact.created", f"contact/{c['id']}", {"contact": c}) for c in CONTACTS]
    send(at, "events", batch, content_type="application/cloudevents-batch+json")


def leads(at):
    scores = [91, 12, 55, 78, 34, 62, 88, 41, 20, 74]
    mails = ["@larkspur.example", "@gmail.com", "@hallow.example", "@outlook.com", "@quarry.example"]
    for number, score in enumerate(scores):
        at = later(at, 1200, 3600)
        name = PEOPLE[-1 - number]
        lead = {"id": f"L{number + 1}", "name": name, "email": slug(name) + mails[number % len(mails)], "score": score}
        envelope = cloud_event(at, f"lead-{number + 1}", "lead.created", f"lead/L{number + 1}", {"lead": lead})
        send(at, "events", envelope, content_type="application/cloudevents+json")
        if score in (62, 41):
            better = cloud_event(later(at, 900, 1800), f"lead-{number + 1}-again", "lead.updated", f"lead/L{number + 1}",
                                 {"lead": {"score": score + 25}})
            send(later(at, 900, 1800), "events", better, content_type="application/cloudevents+json")


# --- helpNINJA: chats -------------------------------------------------------------------------------------------------

def chat_event(at, event, data):
    body = {"event": event, "timestamp": text(at), "tenant_id": "tenant_acme", "data": data}
    send(at, "helpninja", body)
    return at


def chat(number, at, kind):
    person = CONTACTS[(number * 7) % len(CONTACTS)]
    conversation = f"conv_{number:04d}"
    question = dice.choice(QUESTIONS)
    base = {"conversation_id": conversation}
    chat_event(at, "conversation.started", {
        **base, "session_id": f"sess_{number:04d}", "site_url": "https://app.acme.example", "page_url": "https://app.acme.example/help",
        "country": "DE" if person["language"] == "de" else "GB", "language": person["language"], "initial_message": question})
    at = chat_event(later(at, 4, 30), "customer.identified", {
        "customer_email": person["email"], "customer_name": person["name"], **base})
    at = message(later(at, 5, 40), base, number, 1, "customer", question, None)
    sure = kind == "easy"
    confidence = round(dice.uniform(0.72, 0.97) if sure else dice.uniform(0.08, 0.29), 2)
    at = message(later(at, 2, 6), base, number, 2, "ai", "Here is what I found in the handbook …", confidence)
    if kind == "easy":
        at = chat_event(later(at, 60, 240), "conversation.resolved", {**base})
        if number % 3 == 0:
            chat_event(later(at, 20, 90), "satisfaction.received", {**base, "satisfaction_score": dice.choice([5, 4, 4, 1, 2])})
    elif kind == "abandoned":
        at = chat_event(later(at, 1, 3), "ai.response.low_confidence", {
            **base, "message_id": f"msg_{number:04d}_2", "confidence_score": confidence})
        chat_event(later(at, 300, 900), "conversation.abandoned", {**base})
    else:
        cancel = kind == "cancel"
        chat_event(later(at, 20, 90), "conversation.escalated", {
            **base, "customer_email": person["email"], "customer_name": person["name"], "escalation_reason": "low_confidence" if not cancel else "customer_request", "confidence_score": confidence,
            "customer_message": "I want to cancel our plan at the end of the month." if cancel else "That does not help me at all.",
            "ai_attempted_response": "Here is what I found in the handbook …",
            "escalation_triggers": ["cancellation_request", "billing_related"] if cancel else ["repeated_question"],
            "priority": "normal"})


def message(at, base, number, count, sender, content, confidence):
    data = {**base, "message_id": f"msg_{number:04d}_{count}", "sender": sender, "content": content}
    if confidence is not None:
        data.update(confidence_score=confidence, processing_time_ms=dice.randint(400, 2200), tokens_used=dice.randint(150, 900))
    return chat_event(at, "message.sent", data)


def chats():
    kinds = ["easy", "easy", "escalated", "easy", "abandoned", "easy", "cancel", "easy"]
    at = MONDAY + timedelta(minutes=20)
    for number in range(1, 33):
        at = later(at, 500, 1300)
        chat(number, at, kinds[number % len(kinds)])


# --- Zendesk: tickets -------------------------------------------------------------------------------------------------

def zendesk_event(at, number, name, detail, event):
    count = len(requests)
    body = {"type": f"zen:event-type:ticket.{name}", "account_id": 41017, "id": f"zd-{count:05d}", "time": text(at),
            "zendesk_event_version": "2022-11-06", "subject": f"zen:ticket:{number}",
            "detail": {"updated_at": text(at), **detail}, "event": event}
    send(at, "zendesk", body, headers={"X-Zendesk-Account-Id": "41017", "X-Zendesk-Webhook-Id": "01HACME",
                                       "X-Zendesk-Webhook-Invocation-Id": f"inv-{count:05d}"})
    return at


def ticket(number, at, topic):
    detail = {"id": str(number), "subject": dice.choice(SUBJECTS[topic]), "status": "NEW", "created_at": text(at), "tags": [],
              "description": "Hello, please see the subject. Thank you!", "requester_id": str(8000 + number % 17),
              "via": {"channel": dice.choice(["email", "web_service"])}}
    if topic in ("question", "billing"):
        detail["priority"] = dice.choice(["LOW", "NORMAL", "NORMAL", "HIGH"])
    at = zendesk_event(at, number, "created", detail, {"meta": {"sequence": {"id": f"s{number}", "position": 1}}})
    if topic in ("spam", "auto"):
        return
    del detail["tags"]  # from now on the tags are those our rules have written back
    at = zendesk_event(later(at, 200, 900), number, "agent_assignment_changed", {**detail, "assignee_id": str(700 + number % 5), "status": "OPEN"},
                       {"current": str(700 + number % 5), "previous": None})
    detail.update(assignee_id=str(700 + number % 5), status="OPEN")
    if number % 4 == 1:
        detail["priority"] = "URGENT"
        at = zendesk_event(later(at, 300, 1200), number, "priority_changed", detail, {"current": "URGENT", "previous": "NORMAL"})
    detail["status"] = "SOLVED"
    at = zendesk_event(later(at, 1800, 5400), number, "status_changed", detail, {"current": "SOLVED", "previous": "OPEN"})
    if number % 3 == 1:
        detail["status"] = "OPEN"
        zendesk_event(later(at, 600, 2400), number, "status_changed", detail, {"current": "OPEN", "previous": "SOLVED"})


def old_ticket_comment(at):
    """Somebody answers a ticket of last month, which is closed."""
    comment = {"id": "99001", "body": "It happens again since this morning.", "is_public": True,
               "author": {"id": "8003", "name": "Rita Alves", "is_staff": False}}
    return {"type": "zen:event-type:ticket.comment_added", "account_id": 41017, "id": "zd-closed", "time": text(at),
            "zendesk_event_version": "2022-11-06", "subject": "zen:ticket:34100",
            "detail": {"id": "34100", "subject": "Report is empty", "status": "CLOSED", "tags": [], "updated_at": text(at)},
            "event": {"comment": comment}}


def tickets():
    send(MONDAY + timedelta(hours=2), "zendesk", old_ticket_comment(MONDAY + timedelta(hours=2)),
         headers={"X-Zendesk-Webhook-Invocation-Id": "inv-closed"})
    topics = ["question", "billing", "question", "question", "security", "question", "billing", "spam", "question", "auto"]
    at = MONDAY + timedelta(minutes=25)
    for count in range(22):
        at = later(at, 600, 1500)
        ticket(35400 + count, at, topics[count % len(topics)])
    at = MONDAY + timedelta(hours=4)  # the outage, shortly before noon
    for count in range(5):
        at = later(at, 30, 120)
        ticket(35500 + count, at, "outage")


# --- forms ------------------------------------------------------------------------------------------------------------

def form(number, person, subject, description, **more):
    return {"id": f"form-{number:03d}", "title": subject, "description": description, "category": "support", "priority": "medium",
            "customer_email": person["email"], "platform": "custom", "metadata": {"page": "/contact"}, **more}


def forms():
    at = MONDAY + timedelta(hours=1)
    items = [("How many seats do we have?", "We would like to add two people."),
             ("Nothing loads for our whole office", "We are unable to log in since 11:30."),
             ("VAT number on the invoice", "The VAT number is missing."),
             ("Feature idea", "A calendar view per person would be great."),
             ("Partnership", "We sell SEO services and packages at low prices."),
             ("Cannot reach the workspace", "All of us cannot connect."),
             ("Change of owner", "Our admin has left, who can help?")]
    for number, (subject, description) in enumerate(items):
        at = later(at, 2400, 4200)
        send(at, "forms", form(number + 1, CONTACTS[(number * 5) % 24], subject, description))
    batch = [form(20 + n, CONTACTS[n], f"Feedback {n + 1} from the fair", "Scanned at our stand.") for n in range(3)]
    send(later(at, 60, 90), "forms", batch)


# --- what goes wrong on any day ---------------------------------------------------------------------------------------

def redeliveries():
    """Vendors send again what they think was lost: the same bytes, some minutes later."""
    again = [r for r in requests if r["to"] in ("helpninja", "zendesk")][10::31]
    for request in again:
        at = datetime.strptime(request["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        send(later(at, 61, 310), request["to"], request["body"],
             **{k: request[k] for k in ("headers",) if k in request}, note="sent again by the vendor")


def forgeries():
    at = MONDAY + timedelta(hours=5)
    chat_data = {"conversation_id": "conv_0001", "escalation_reason": "x", "priority": "urgent"}
    send(at, "helpninja", {"event": "conversation.escalated", "timestamp": text(at), "tenant_id": "tenant_acme", "data": chat_data},
         forged=True, note="signed with another secret")
    send(later(at, 60, 90), "zendesk", {"type": "zen:event-type:ticket.created", "id": "zd-x", "time": text(at), "detail": {"id": "1"}},
         headers={"X-Zendesk-Webhook-Invocation-Id": "inv-x"}, forged=True, note="signed with another secret")
    send(later(at, 120, 150), "forms", form(99, CONTACTS[0], "Reset my password", "now"), forged=True, note="signed with another secret")
    send(later(at, 180, 240), "events", cloud_event(at, "lead-x", "lead.created", "lead/X", {"lead": {"id": "X", "score": 100}}),
         content_type="application/cloudevents+json", forged=True, note="a key that does not exist")


def main():
    crm_sync(MONDAY)
    chats()
    tickets()
    forms()
    leads(MONDAY + timedelta(hours=1))
    redeliveries()
    forgeries()
    requests.sort(key=lambda request: request["at"])
    lines = [json.dumps(request, ensure_ascii=False) + "\n" for request in requests]
    Path(__file__).with_name("day.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
