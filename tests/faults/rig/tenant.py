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
"""

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
    (folder / "tenant.yaml").write_text(f"name: {NAME}\n")
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
