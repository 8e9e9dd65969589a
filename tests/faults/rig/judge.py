#!/usr/bin/env python3
"""Reads what the senders sent, what the destination got and what the journal says, and counts what does not fit.

It trusts nothing the engine says about itself: keys, hashes and order are computed here, from docs/reliability.md
and from the promises. Usage: judge.py --load load.jsonl --destination destination.jsonl --export export.jsonl
"""
import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from rig.tenant import CAPACITIES, LEVELS, ROUNDS

TIMER = "signalbox:timer"
OWN = "signalbox:"  # begins the source of what the engine sends itself
HASHED = ("actor", "body_digest", "cause_event", "cause_rule", "entity_version", "kind", "previous", "ruleset", "seq",
          "stream", "subject", "tenant", "time")
SHOWN_MAX = 8
SENT = ("fresh", "stale", "duplicate", "clash")  # what comes from who may send it

# What must be zero. The rest of the verdict says how much was tried.
FAULTS = ("lost", "duplicated", "out_of_order", "gaps", "wrong_outcomes", "forged_accepted", "invented", "second_keys",
          "keyless_repeats", "actions_lost", "actions_duplicated", "clashes_lost", "timers_lost", "timers_invented",
          "levels_lost", "levels_doubled", "told_wrongly", "over_capacity", "left_at_the_desk")
# Not asked of the rules' own timers: these ask for nothing, or for people to be told.
QUIET_TIMERS = ("escalation:", "routing:")


def lines_of(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


class Load:
    """What the senders know: what they sent when, and since when they have an answer."""

    def __init__(self, path):
        self.first_sent = {}  # (source, id) → the first time it left
        self.acked = {}  # (source, id) → when its first answer of success came
        self.kinds = {}  # (source, id) → the first kind it was sent as
        self.wants = {}
        self.place = {}  # (source, id) → (number of request, index in it)
        self.lanes = {}
        self.counts = Counter()
        self.clashes_acked = 0
        requests = {}
        for line in lines_of(path):
            if "sent" in line:
                requests[line["sent"]] = line
                self._sent(line)
            else:
                self._acked(requests[line["ack"]], line)

    def _sent(self, line):
        self.counts[line["kind"]] += 1
        for index, (source, name, subject) in enumerate(line["events"]):
            key = (source, name)
            if key in self.first_sent:
                continue
            self.first_sent[key] = line["t"]
            self.kinds[key] = line["kind"]
            self.wants[key] = line["wants"][index]
            self.place[key] = (line["sent"], index)
            self.lanes[key] = subject

    def _acked(self, request, line):
        success = 200 <= line["status"] < 300
        self.counts["acked"] += success
        self.counts["duplicates_recognised"] += request["kind"] == "duplicate" and success
        self.clashes_acked += request["kind"] == "clash" and line["status"] in (200, 409)
        if success and request["kind"] in SENT:
            for source, name, _ in request["events"]:
                self.acked.setdefault((source, name), line["t"])


class Decision(NamedTuple):
    """What the journal says was decided, no more of it than is judged: long runs have a million of them."""
    key: tuple  # (source, id)
    outcome: str
    failures: object
    asked: list  # the identities of the actions
    outgoing: list  # (index of the delivery's key, connection, identity)
    timers: list  # (name, when it is due, or None when it was ended)
    escalations: list  # (id, what became of it, level, round, the ids of who is told)
    told: list  # the identities of the actions that tell people
    place: object  # of the entity at the desk from now on, {} for none; None = as it was
    time: int


def decision_of(key, body, time):
    outgoing = [(0, body["write_back"])] if body.get("write_back") else []
    outgoing += list(enumerate(body["actions"], 1))
    said = sorted(identity for action in body["actions"] if (identity := identity_of(action["params"])))
    escalations = [(one["escalation"], one["change"], one["level"], one.get("round", 1),
                    [who.split(" ")[-1] for who in one.get("notified", ())]) for one in body.get("escalations", ())]
    state = body.get("routing_state")
    return Decision(key, body["outcome"], body.get("failures"), [one for one in said if "/told/" not in one],
                    [(index, action["connection"], identity_of(action["params"])) for index, action in outgoing],
                    [(timer["name"], timer.get("due")) for timer in body.get("timers", ())],
                    escalations, [one for one in said if "/told/" in one],
                    None if state is None else state.get("place", {}), time)


class Journal:
    """The exported rows, checked one by one against each other."""

    def __init__(self, path, tally):
        self.tally = tally
        self.rows = 0
        self.accepted = defaultdict(list)  # lane → events in order of acceptance
        self.decisions = defaultdict(list)  # lane → Decision in order
        self.times_seen = Counter()
        self.delivered = Counter()
        self.dead = Counter()
        self.kinds = Counter()
        self.sources = {}
        self.fired = {}  # (source, id) of an event that was a timer → (name, when it was due)
        self.heads = {}
        self.last_of_subject = {}
        self.versions = {}
        for row in lines_of(path):
            self._row(row)

    def _row(self, row):
        self.rows += 1
        self.kinds[row["kind"]] += 1
        self._check_chain(row)
        body = json.loads(row["body"])
        lane = row["subject"]
        if row["kind"] == "event":
            key = (body["source"], body["id"])
            self.times_seen[key] += 1
            self.sources[lane, body["id"]] = body["source"]
            self.accepted[lane].append(key)
            # What comes of a timer has its source, too.
            if body["source"] == TIMER and "timer" in body["data"]:
                self.fired[key] = body["data"]["timer"]["name"], body["data"]["timer"]["due"]
        elif row["kind"] == "decision":
            self._decision(row, body, lane)
        elif row["kind"] == "delivered":
            self.delivered[body["delivery"]["key"]] += 1
        elif row["kind"] == "dead_letter":
            self.dead[body["delivery"]["key"]] += 1

    def _decision(self, row, body, lane):
        name = body["event"]["id"]
        source = self.sources.get((lane, name))
        if source is None:
            return self.tally.fault("gaps", f"decision {row['stream']}#{row['seq']} is of no event before it")
        self.decisions[lane].append(decision_of((source, name), body, row["time"]))
        before = self.versions.get(lane, 0)
        if row["entity_version"] not in (before, before + 1):
            self.tally.fault("gaps", f"{lane} goes from version {before} to {row['entity_version']}")
        self.versions[lane] = row["entity_version"]

    def _check_chain(self, row):
        stream = (row["tenant"], row["stream"])
        seq, previous_hash = self.heads.get(stream, (0, bytes(32)))
        where = f"{row['stream']}#{row['seq']}"
        if row["seq"] != seq + 1:
            self.tally.fault("gaps", f"{where} follows {seq}")
        canonical = json.dumps({name: row[name] for name in HASHED}, sort_keys=True, separators=(",", ":"),
                               ensure_ascii=False).encode()
        digest = hashlib.sha256(previous_hash + canonical).digest()
        if digest.hex() != row["hash"]:
            self.tally.fault("gaps", f"{where} does not carry the hash of what is before it")
        if hashlib.sha256(bytes.fromhex(row["salt"]) + row["body"].encode()).hexdigest() != row["body_digest"]:
            self.tally.fault("gaps", f"the body of {where} has another digest")
        self.heads[stream] = (row["seq"], bytes.fromhex(row["hash"]))
        if row["subject"]:
            last = self.last_of_subject.get((stream, row["subject"]), 0)
            if row["previous"] != last:
                self.tally.fault("gaps", f"{where} says {row['previous']} was before it, not {last}")
            self.last_of_subject[stream, row["subject"]] = row["seq"]


class Tally:
    def __init__(self):
        self.faults = Counter()
        self.shown = []

    def fault(self, kind, what, count=1):
        self.faults[kind] += count
        if self.faults[kind] <= SHOWN_MAX:
            self.shown.append(f"{kind}: {what}")


def check_acceptance(load, journal, tally):
    """Everything acknowledged is there, once; nothing is there that was refused or never sent."""
    for key in load.acked:
        if not journal.times_seen[key]:
            tally.fault("lost", f"{load.kinds[key]} event {key} of {load.lanes[key]} was acknowledged")
    for key, times in journal.times_seen.items():
        if times > 1:
            tally.fault("duplicated", f"event {key} is there {times} times")
        if key[0].startswith(OWN):
            continue
        if key not in load.kinds:
            tally.fault("invented", f"nobody sent event {key}")
        elif load.kinds[key] not in SENT:
            tally.fault("forged_accepted", f"{load.kinds[key]} event {key} got in")
    if journal.kinds["clash"] < load.clashes_acked:
        tally.fault("clashes_lost", f"{load.clashes_acked} answered, {journal.kinds['clash']} journaled")


def check_decisions(load, journal, tally):
    """One decision for each event, and the one that the rules ask for."""
    decided = Counter(one.key for decisions in journal.decisions.values() for one in decisions)
    for lane, keys in journal.accepted.items():
        for key in keys:
            if decided[key] == 0:
                tally.fault("lost", f"event {key} of {lane} has no decision")
            elif decided[key] > 1:
                tally.fault("duplicated", f"event {key} of {lane} has {decided[key]} decisions")
    for decisions in journal.decisions.values():
        for decision in decisions:
            check_outcome(load, decision, tally)


def check_outcome(load, decision, tally):
    key = decision.key
    expected = "stale" if load.kinds.get(key) == "stale" else "ok"
    if decision.outcome != expected:
        tally.fault("wrong_outcomes", f"{key} came out as {decision.outcome}, not {expected}: {decision.failures}")
    if key in load.wants and decision.asked != sorted(load.wants[key]):
        tally.fault("wrong_outcomes", f"{key} asks for {decision.asked}, not for {load.wants[key]}")


def check_timers(journal, tally):
    """Each timer that was set fires once, as it was set last, and what waited for it is done."""
    for lane, decisions in journal.decisions.items():
        waiting = {}
        for decision in decisions:
            if decision.key in journal.fired:
                name, due = journal.fired[decision.key]
                if waiting.pop(name, None) != due:
                    tally.fault("timers_invented", f"{name} of {lane}, due {due}, fired and was not set")
                expected = [] if name.startswith(QUIET_TIMERS) else [f"{decision.key[1]}/timed"]
                if decision.asked != expected:
                    tally.fault("wrong_outcomes", f"timer {name} of {lane} asks for {decision.asked}")
            for name, due in decision.timers:
                if due is None:
                    waiting.pop(name, None)
                else:
                    waiting[name] = due
        for name, due in waiting.items():
            tally.fault("timers_lost", f"{name} of {lane}, due {due}, never fired")


def check_escalations(journal, tally):
    """Each level of each escalation is reached once and in order, those are told whom the decision names, and it ends."""
    for lane, decisions in journal.decisions.items():
        under_way = {}
        for decision in decisions:
            expected = set()
            for name, change, level, round, notified in decision.escalations:
                where = f"{name} of {lane}"
                step_escalation(under_way, name, change, (round, level), where, tally)
                if change == "stepped":
                    expected |= {f"{decision.key[1]}/told/{name}/{round}.{level}/{who}" for who in notified}
            if sorted(expected) != decision.told:
                tally.fault("told_wrongly", f"{decision.key} of {lane} tells {decision.told}, not {sorted(expected)}")
        for name in under_way:
            tally.fault("levels_lost", f"{name} of {lane} never ended")


def step_escalation(under_way, name, change, level, where, tally):
    """`under_way` holds by escalation the last (round, level), and whether somebody took it on there."""
    if change == "started":
        if name in under_way:
            tally.fault("levels_doubled", f"{where} was begun while it was under way")
        under_way[name] = ((1, 0), False)
        return
    if name not in under_way:
        return tally.fault("levels_doubled", f"{where} was over, and {change}")
    (round, last), taken = under_way[name]
    if change == "ended":
        del under_way[name]
    elif change == "acknowledged":
        under_way[name] = ((round, last), True)
    elif change == "stepped":
        following = {(round, last + 1) if last < LEVELS else (round + 1, 1)}
        if taken and (round, last) == (ROUNDS, LEVELS):
            following = {(round, last)}  # who took on the last one is told once more
        if level not in following:
            fault = "levels_doubled" if level <= (round, last) else "levels_lost"
            tally.fault(fault, f"{where} went from {round}.{last} to {level[0]}.{level[1]}")
        under_way[name] = (level, False)


def check_desk(journal, tally, clock_jumps):
    """Nobody has more than fits, and at the end nobody has anything and nothing waits."""
    moves = []
    for lane, decisions in journal.decisions.items():
        place = {}
        for number, decision in enumerate(decisions):
            if decision.place is None:
                continue
            moves += [(decision.time, False, lane, place)] if place.get("agent") else []
            moves += [(decision.time, True, lane, decision.place)] if decision.place.get("agent") else []
            place = decision.place
        if place.get("agent") or place.get("waits_since"):
            tally.fault("left_at_the_desk", f"{lane} is still there: {place}")
    if clock_jumps:
        return  # what was before what cannot be told from times
    loads = defaultdict(Counter)
    # At one instant room is made before it is taken.
    for _, is_taken, lane, place in sorted(moves, key=lambda move: move[:2]):
        load = loads[place["agent"]]
        load[place.get("channel", "")] += 1 if is_taken else -1
        if is_taken and (over := over_capacity(place["agent"], load)):
            tally.fault("over_capacity", f"{lane} went to {place['agent']}, who has {over}")


def over_capacity(agent, load):
    """What is too much, as a text; empty when nothing is."""
    capacity = CAPACITIES[agent]
    others = sum(count for channel, count in load.items() if channel not in capacity)
    counts = {"all": sum(load.values()), "other": others, **{channel: load[channel] for channel in load}}
    over = [f"{counts.get(name, 0)} of {most} ({name})" for name, most in capacity.items() if counts.get(name, 0) > most]
    return ", ".join(over)


def identity_of(params):
    """What the rig's rules write into an action to tell it from all others."""
    text = params.get("text") or params.get("external_id") or ""
    body = params.get("body")
    return body.get("identity", "") if isinstance(body, dict) else text


def check_order(load, journal, tally):
    """Decided as accepted; and what was answered before something else was sent stands before it."""
    for lane, accepted in journal.accepted.items():
        if [one.key for one in journal.decisions[lane]] != accepted[:len(journal.decisions[lane])]:
            tally.fault("out_of_order", f"{lane} was not decided in the order of acceptance")
        latest_sent, latest = 0.0, None
        places = {}
        for key in accepted:
            if key not in load.place:
                continue
            if load.acked.get(key, float("inf")) < latest_sent:
                tally.fault("out_of_order", f"{lane}: {key} stands after {latest}, which was sent after its answer")
            if load.first_sent[key] > latest_sent:
                latest_sent, latest = load.first_sent[key], key
            request, index = load.place[key]
            if places.get(request, -1) > index:
                tally.fault("out_of_order", f"{lane}: the batch of {key} was turned around")
            places[request] = index


def delivery_key(tenant, key, index):
    """As docs/reliability.md says."""
    text = "\0".join((tenant, *key, str(index)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def deliveries_of(journal, tenant):
    """Of each lane and connection the deliveries in the order decided: (key, identity)."""
    for lane, decisions in journal.decisions.items():
        expected = defaultdict(list)
        for decision in decisions:
            for index, connection, identity in decision.outgoing:
                expected[connection].append((delivery_key(tenant, decision.key, index), identity))
        for connection, names in expected.items():
            yield lane, connection, names


def said_identity(body):
    """The identity as it stands in what was sent."""
    if not isinstance(body, dict):
        return ""
    return body.get("ticket", {}).get("external_id") or body.get("identity") or body.get("text") or ""


class Arrivals:
    """What came to the destination, in order."""

    def __init__(self, path):
        self.first = {}
        self.last = {}
        self.effects = Counter()
        self.keys_of = defaultdict(set)
        self.repeats = 0
        self.keyless = Counter()
        self.count = 0
        self.whats = Counter()
        for line in lines_of(path):
            self._arrived(line)

    def _arrived(self, line):
        self.count += 1
        self.whats[line["what"]] += 1
        key, body = line["key"], line["body"]
        identity = said_identity(body)
        if key is None:
            self.keyless[line["method"], line["path"], json.dumps(body, sort_keys=True)] += 1
            # A write-back to Zendesk carries no key; what it sets says which one it is.
            name = ("no key", identity)
        else:
            name = key
            if identity:
                self.keys_of[identity].add(key)
        self.repeats += name in self.first
        self.first.setdefault(name, line["n"])
        self.last[name] = line["n"]
        self.effects[name] += line["effect"]


def check_deliveries(journal, arrivals, tenant, tally):
    """Every action arrives, under one key, those of one lane at one connection in the order decided."""
    known = set()
    for lane, connection, expected in deliveries_of(journal, tenant):
        done_until = 0
        for key, identity in expected:
            name = key if key in arrivals.first else ("no key", identity)
            known.add(name)
            check_delivered(journal, key, f"{lane} at {connection}: {identity or key}", tally)
            if name not in arrivals.first or not arrivals.effects[name] and not journal.dead[key]:
                tally.fault("actions_lost", f"{lane} at {connection}: {identity or key} never took effect")
                continue
            if arrivals.first[name] < done_until:
                tally.fault("out_of_order", f"{lane} at {connection}: {identity or key} came before one decided earlier"
                                            " was over")
            done_until = max(done_until, arrivals.last[name])
    for name in arrivals.first:
        if name not in known:
            tally.fault("invented", f"no decision asked for the delivery {name}")
    for identity, keys in arrivals.keys_of.items():
        if len(keys) > 1:
            tally.fault("second_keys", f"{identity} came under {sorted(keys)}")
    for (method, path, _), times in arrivals.keyless.items():
        if method == "POST" and times > 1:
            tally.fault("keyless_repeats", f"POST {path} came {times} times without a key")


def check_delivered(journal, key, what, tally):
    times = journal.delivered[key]
    if times > 1:
        tally.fault("actions_duplicated", f"{what} was journaled as delivered {times} times")
    if times == 0 and not journal.dead[key]:
        tally.fault("actions_lost", f"{what} is neither delivered nor a dead letter")


def judge(load_path, destination_path, export_path, tenant, clock_jumps=False):
    """The verdict as a map; `faults` is what must be zero, `shown` says more about the first ones of each kind."""
    tally = Tally()
    load = Load(load_path)
    journal = Journal(export_path, tally)
    arrivals = Arrivals(destination_path)
    check_acceptance(load, journal, tally)
    check_decisions(load, journal, tally)
    check_order(load, journal, tally)
    check_timers(journal, tally)
    check_escalations(journal, tally)
    check_desk(journal, tally, clock_jumps)
    check_deliveries(journal, arrivals, tenant, tally)
    outcomes = Counter(one.outcome for decisions in journal.decisions.values() for one in decisions)
    return {
        "faults": {kind: tally.faults[kind] for kind in FAULTS},
        "counts": {
            "sent": sum(load.counts[kind] for kind in ("fresh", "stale", "duplicate", "clash", "forged", "garbage",
                                                       "unknown")),
            "acked": load.counts["acked"],
            "duplicates_recognised": load.counts["duplicates_recognised"],
            "clashes": journal.kinds["clash"],
            "stale": outcomes["stale"],
            "forged_refused": load.counts["forged"],
            "garbage_refused": load.counts["garbage"],
            "events": journal.kinds["event"],
            "decisions": journal.kinds["decision"],
            "timers_fired": len(journal.fired),
            **desk_counts(journal),
            "lanes": len(journal.accepted),
            "rows": journal.rows,
            "deliveries": sum(journal.delivered.values()),
            "dead_letters": sum(journal.dead.values()),
            "arrivals": arrivals.count,
            "repeats_with_the_same_key": arrivals.repeats,
            "troubles": arrivals.count - arrivals.whats["done"],
        },
        "shown": tally.shown,
    }


def desk_counts(journal):
    counts = Counter()
    for decisions in journal.decisions.values():
        waited = False
        for decision in decisions:
            counts["cases"] += any(change == "started" for _, change, *_ in decision.escalations)
            counts["levels"] += sum(change == "stepped" for _, change, *_ in decision.escalations)
            counts["told"] += len(decision.told)
            place = decision.place or {}
            counts["waited"] += bool(place.get("waits_since")) and not waited
            waited = waited or bool(place.get("waits_since"))
    return {name: counts[name] for name in ("cases", "waited", "levels", "told")}


def text_of(verdict):
    return " ".join(f"{name}={count}" for part in ("faults", "counts") for name, count in verdict[part].items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("load", "destination", "export"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--tenant", default="rig")
    parser.add_argument("--clock-jumps", action="store_true", help="times do not say what was before what")
    arguments = parser.parse_args()
    verdict = judge(arguments.load, arguments.destination, arguments.export, arguments.tenant, arguments.clock_jumps)
    print(text_of(verdict))
    print("\n".join(verdict["shown"]), file=sys.stderr)
    return 1 if any(verdict["faults"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
