#!/usr/bin/env python3
"""Writes a tenant's folder with as many rules as a large support organisation has, always the same ones.

`brands`: each rule is for one brand, as where several desks share an installation. `mixed`: a part of the rules is for
all of them, and some contradict, repeat or outdo each other, as it happens.
"""
import argparse
import random
from pathlib import Path

WORDS = ("refund invoice password login delivery broken upgrade cancel trial export import webhook outage slow error "
         "licence seats contract renewal discount shipping address return warranty crash update sync mobile desktop "
         "printer scanner badge order receipt voucher account profile email phone chat report dashboard").split()
LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da"]
TIERS = ["free", "team", "business", "enterprise"]
PRIORITIES = ["low", "normal", "high", "urgent"]
STATUSES = ["open", "pending", "on_hold", "solved"]
RULES_A_FILE = 250


class Rules:
    def __init__(self, mixed):
        self.random = random.Random(20260504)
        self.mixed = mixed
        self.made = []
        self.groups = []

    def add(self, name, on, when, then, **more):
        lines = [f"  - id: {name}-{len(self.made)}", f"    on: {on}"]
        lines += [f"    {key}: {value}" for key, value in more.items()]
        lines += ["    when:"] + [f"      {condition}" for condition in when]
        lines += ["    then:"] + [f"      - {step}" for step in then]
        self.made.append("\n".join(lines) + "\n")

    def brand(self, number):
        brand = f"brand-{number:03}"
        own = [f"ticket.brand: {brand}"]
        group = f"desk-{number:03}"
        self.groups.append(group)
        words = self.random.sample(WORDS, 30)
        for i in range(24):
            self.add(f"{brand}-topic", "ticket.created", own + [f"ticket.subject: {{ any_word: [{words[i]}, {words[i]}s] }}"],
                     [f"assign: {{ group: {brand}-{words[i]} }}"], group=group, order=100 + i)
        self.add(f"{brand}-rest", "ticket.created", own, [f"assign: {{ group: {brand}-first }}"], group=group, order=199)
        for category in range(8):
            for tier in TIERS:
                self.add(f"{brand}-priority", "ticket.created",
                         own + [f"ticket.category: c{category}", f"contact.tier: {tier}",
                                "ticket.priority: { exists: false }"],
                         [f"set: {{ ticket.priority: {self.random.choice(PRIORITIES)} }}"], order=200)
        for language in LANGUAGES:
            self.add(f"{brand}-language", "ticket.created", own + [f"ticket.language: {{ starts_with: {language} }}"],
                     [f"add_tags: [speaks-{language}]"], order=300)
        bounds = sorted(self.random.sample(range(1, 5000), 9))
        for low, high in zip([0] + bounds, bounds + [10000]):
            self.add(f"{brand}-segment", "[ticket.created, ticket.updated]",
                     own + [f"ticket.custom.seats: {{ gte: {low}, lt: {high} }}"],
                     [f"set: {{ ticket.custom.segment: s{low} }}"], order=400)
        for status in STATUSES:
            for word in words[:4]:
                self.add(f"{brand}-status", "ticket.updated",
                         own + [f"ticket.status: {{ changed_to: {status} }}", f"ticket.group: {brand}-{word}",
                                f"ticket.tags: {{ has_none: [seen-{status}-{word}] }}"],
                         [f"add_tags: [seen-{status}-{word}]",
                          f'slack.post_message: {{ channel: "#{brand}", text: "{{{{ ticket.subject | truncate: 80 }}}}" }}'],
                         order=500)
        for word in words[:12]:
            self.add(f"{brand}-pattern", "ticket.created",
                     own + [f'ticket.subject: {{ matches: "{word[:3].upper()}-[0-9]{{4}}" }}',
                            f"ticket.tags: {{ has_none: [spam, coded-{word}] }}"],
                     [f"add_tags: [coded-{word}]"], order=600)
        for word in words[12:20]:
            self.add(f"{brand}-old", "ticket.updated",
                     own + [f"ticket.group: {brand}-{word}", "ticket.status: [open, pending]",
                            "ticket.created_at: { older_than: 3d }"],
                     ["set: { ticket.escalated: true }"], order=700)
        for word in words[:9]:
            self.add(f"{brand}-mail", "conversation.created",
                     [f'conversation.contact.email: {{ ends_with: "@{word}-{number}.example" }}'],
                     [f"set: {{ conversation.queue: {brand}-{word} }}"], order=800)
        if self.mixed:
            self.everybodys(number)

    def everybodys(self, number):
        """Rules that no brand holds apart, and a few that nobody would want."""
        word, other = self.random.sample(WORDS, 2)
        tag, priority = self.random.choice(WORDS), self.random.choice(PRIORITIES)
        for i in range(12):
            self.add("any-tagged", "ticket.*", [f"ticket.tags: {{ has_all: [{tag}, {word}-{i}] }}",
                                                f"ticket.subject: {{ contains: [{word}, {other}] }}"],
                     [f"add_tags: [{tag}-{word}-{i}]"], order=900)
        self.add("any-priority", "ticket.created", [f"ticket.subject: {{ contains: {word}-{number} }}"],
                 [f"set: {{ ticket.priority: {priority} }}"], order=910)
        self.add("any-never", "ticket.created", ["all:", "  - ticket.status: open", "  - ticket.status: solved"],
                 ["add_tags: [never]"], order=920)
        self.add("any-queue", "ticket.updated", [f"ticket.type: t{number % 7}", f"ticket.channel: {self.random.choice(['email', 'web'])}"],
                 [f"assign: {{ queue: q{number % 11} }}"], order=930)


def rules_of(count, mixed):
    rules = Rules(mixed)
    number = 0
    while len(rules.made) < count:
        rules.brand(number)
        number += 1
    return rules.made[:count], rules.groups


def write(folder, count, mixed):
    made, groups = rules_of(count, mixed)
    folder = Path(folder)
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "tenant.yaml").write_text("name: many\n" + "groups:\n" +
                                        "".join(f"  {group}: {{ first_match: true }}\n" for group in groups))
    (folder / "fields.yaml").write_text("fields:\n  ticket.custom.seats: { type: number }\n"
                                        "  ticket.custom.segment: { type: text }\n  contact.tier: { type: text }\n")
    (folder / "connections.yaml").write_text("connections:\n  slack: { connector: slack, sandbox: true }\n")
    for first in range(0, len(made), RULES_A_FILE):
        name = folder / "rules" / f"{first // RULES_A_FILE:03}.yaml"
        name.write_text("rules:\n" + "".join(made[first:first + RULES_A_FILE]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--profile", choices=["brands", "mixed"], default="brands")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.rules, arguments.profile == "mixed")


if __name__ == "__main__":
    main()
