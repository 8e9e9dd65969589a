"""The tenant that the load is for: few rules, each of which leaves something at the destination that can be counted.

Every action carries an identity, the event it is for and a word, so that the judge can say which one it is without
trusting any key. `wanted` says the same again in Python: what an event has to lead to.
"""
from pathlib import Path

NAME = "rig"
SECRETS = {
    "RIG_HELPNINJA_SECRET": "rig-helpninja-secret",
    "RIG_ZENDESK_SECRET": "rig-zendesk-secret",
    "RIG_FORMS_SECRET": "rig-forms-secret",
    "RIG_TOKEN": "rig-token",
}

FIELDS = """\
fields:
  conversation.custom.ticket_id: { type: text, description: The ticket that was made from a chat }
  ticket.custom.case: { type: text, description: The case of the desk that it is }
  ticket.custom.open_for: { type: text, description: How long somebody works on it }
"""

# More cases at once than agents have room for, now and then. Chains of one taking over from another within a minute
# are longer here than anywhere else.
CASES = "/cases"
SETTINGS = f"""\
name: {NAME}
limits: {{ hops_max: 64 }}
"""

# What agents may have at once; the judge holds them to it.
CAPACITIES = {"ana": {"all": 3}, "ben": {"chat": 2, "other": 1, "all": 3}, "cora": {"all": 2}}
LEVELS = 3
ROUNDS = 2  # of the levels of an escalation
ROUTING = """\
agents:
  - id: ana
    capacity: 3
    notify: NOTIFY
  - { id: ben, capacity: { chat: 2, other: 1, all: 3 }, notify: NOTIFY }
  - { id: cora, skills: [hard], capacity: 2, notify: NOTIFY }
teams:
  - { id: all, members: [ana, ben, cora] }
channels:
  - { id: room, notify: NOTIFY }
queues:
  - { id: hard, when: { ticket.tags: { has: hard } }, teams: [all], strategy: skills, skills: [hard], priority: 10, overflow: { after: 2s, to: general } }
  - { id: general, teams: [all] }
on_call:
  - id: duty
    zone: Europe/Berlin
    rotations: [ { turns: [ana, ben], every: 1h, starts: 2026-01-01 } ]
escalations:
  - id: slow
    levels:
      - notify: [ { on_call: duty } ]
      - { after: 1s, notify: [ { team: all }, { channel: room } ] }
      - { after: 1s, notify: [ { person: cora } ] }
    repeat: { times: 1, after: 1s }
    acknowledged: { on: ticket.answered, for: 1s }
"""
NOTIFY = '[ { crm.post: { body: { identity: "%s", lane: "{{ event.subject }}" } } } ]' % (
    "{{ event.id }}/told/{{ escalation.id }}/{{ escalation.round }}.{{ escalation.level }}/{{ target.id }}")

RULES = """\
rules:
  - id: customer-wrote
    on: message.created
    when: { message.sender: customer }
    then:
      - crm.post: { body: { identity: "{{ event.id }}/crm", lane: "{{ event.subject }}" } }

  - id: chat-became-ticket
    on: conversation.escalated
    then:
      - add_tags: [escalated]
      - slack.post_message: { channel: "#desk", text: "{{ event.id }}/slack" }
      - zendesk.create_ticket: { subject: A chat needs people, external_id: "{{ event.id }}/ticket" }
        as: ticket
        save: { conversation.custom.ticket_id: result.id }
      - helpninja.add_message:   # once the ticket's number is known
          conversation_id: "{{ conversation.id }}"
          content: "your ticket is {{ steps.ticket.result.id }}"

  - id: ticket-moved             # its write-back is a call without an idempotency key
    on: ticket.updated
    when: { event.connection: zendesk }
    then:
      - set: { ticket.external_id: "{{ event.id }}" }

  - id: form-came
    on: ticket.created
    when: { event.connection: forms }
    then:
      - crm.post: { body: { identity: "{{ event.id }}/crm", lane: "{{ event.subject }}" } }
      - if: { ticket.priority: urgent }
        then:
          - slack.post_message: { channel: "#urgent", text: "{{ event.id }}/slack" }
      - emit: { type: ticket.overdue, after: 400ms, data: { of: "{{ event.id }}" } }

  - id: overdue
    on: ticket.overdue
    then:
      - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }

  - id: record-changed
    on: [ticket.created, ticket.updated]
    when: { event.source: /crm }
    then:
      - crm.post: { body: { identity: "{{ event.id }}/first", lane: "{{ event.subject }}" } }
      - crm.post: { body: { identity: "{{ event.id }}/second", lane: "{{ event.subject }}" } }
      - emit: { type: ticket.noted, data: { of: "{{ event.id }}" } }
      - wait: 250ms
      - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }

  - id: record-quiet             # moved by every change, so that it fires once they are over
    on: [ticket.created, ticket.updated]
    when: { event.source: /crm }
    then:
      - emit: { type: ticket.quiet, after: 300ms }

  - id: quiet
    on: ticket.quiet
    then:
      - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }

  - id: noted
    on: ticket.noted
    then:
      - crm.post: { body: { identity: "{{ event.id }}/noted", lane: "{{ event.subject }}" } }

  - id: case-came                # to the desk; people are told until it is solved
    on: ticket.created
    when: { event.source: /cases }
    then:
      - route: true
      - escalate: slow
      - wait_for: { on: ticket.answered, timeout: 300ms }
        else:
          - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }
      - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }

  - id: case-taken               # at once, or when somebody got free
    on: [ticket.created, ticket.updated, ticket.routing_due]
    when: { ticket.custom.case: { exists: true }, ticket.assignee: { changed: true, exists: true } }
    then:
      - emit: { type: ticket.closing, after: "{{ ticket.custom.open_for }}" }

  - id: case-closing             # which makes room
    on: ticket.closing
    then:
      - set: { ticket.status: solved }
      - crm.post: { body: { identity: "{{ event.id }}/timed", lane: "{{ event.subject }}" } }
"""

CONNECTION_LIMITS = """\
    timeout: 1s
    concurrency: 16
    retry: [100ms, 200ms, 400ms, 800ms, 1s, 2s, 4s, 8s]
"""

CONNECTIONS = """\
connections:
  helpninja:
    connector: helpninja
    webhook_secret: ${{env:RIG_HELPNINJA_SECRET}}
    api_key: ${{env:RIG_TOKEN}}
    base_url: {url}/helpninja
{limits}  zendesk:
    connector: zendesk
    base_url: {url}
    email: rig@example.test
    api_token: ${{env:RIG_TOKEN}}
    signing_secret: ${{env:RIG_ZENDESK_SECRET}}
{limits}  slack:
    connector: slack
    token: ${{env:RIG_TOKEN}}
    base_url: {url}/slack
{limits}  forms:
    connector: webhook
    secret: ${{env:RIG_FORMS_SECRET}}
{limits}  crm:
    connector: webhook
    secret: ${{env:RIG_FORMS_SECRET}}
    url: {url}/crm
{limits}"""


def write_tenant(folder, url):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tenant.yaml").write_text(SETTINGS)
    (folder / "routing.yaml").write_text(ROUTING.replace("NOTIFY", NOTIFY))
    (folder / "fields.yaml").write_text(FIELDS)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "connections.yaml").write_text(CONNECTIONS.format(url=url, limits=CONNECTION_LIMITS))
    return folder


def wanted(connection, event_id, event_type, facts):
    """The identities of the actions that this event has to lead to."""
    words = []
    if connection == "helpninja" and event_type == "message.sent" and facts.get("sender") == "customer":
        words = ["crm"]
    elif connection == "helpninja" and event_type == "conversation.escalated":
        words = ["slack", "ticket"]
    elif connection == "forms":
        words = ["crm", "slack"] if facts.get("priority") == "urgent" else ["crm"]
    elif connection == "events":
        words = ["first", "second"]
    return [f"{event_id}/{word}" for word in words]
