#!/usr/bin/env python3
"""A judge that finds nothing proves nothing: each fault, put into good logs, has to be found under its name."""
import copy
import hashlib
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import judge  # noqa: E402

TENANT = "rig"
LANE = "ticket/1"


def row(kind, body, version=0):
    return {"tenant": TENANT, "stream": "p0", "kind": kind, "subject": LANE, "entity_version": version, "ruleset": "",
            "actor": "engine", "cause_event": "", "cause_rule": "", "time": 1, "body": json.dumps(body)}


def chained(rows):
    """Gives seq, previous, digests and hashes as the engine has to."""
    done, head = [], bytes(32)
    for seq, one in enumerate(rows, 1):
        salt = bytes([seq % 256]) * 16
        one = {**one, "seq": seq, "previous": seq - 1, "salt": salt.hex(),
               "body_digest": hashlib.sha256(salt + one["body"].encode()).hexdigest()}
        canonical = json.dumps({name: one[name] for name in judge.HASHED}, sort_keys=True, separators=(",", ":"))
        head = hashlib.sha256(head + canonical.encode()).digest()
        done.append({**one, "hash": head.hex()})
    return done


class Logs:
    """Two events of one lane, one after the other, each with one action; a known id with another content; a forgery."""

    def __init__(self):
        self.load, self.arrivals, self.rows = [], [], []
        for number, name in enumerate(("a", "b"), 1):
            self.sent(name, "fresh", 10 * number, [f"{name}/crm"])
            self.answered(name, 10 * number + 1, 202)
            self.rows.append(row("event", {"source": "/crm", "id": name}))
            self.rows.append(row("decision", self.decision(name), number))
            key = judge.delivery_key(TENANT, ("/crm", name), 1)
            self.rows.append(row("delivered", {"delivery": {"key": key}}))
            self.arrive(key, f"{name}/crm", "error_500")
            self.arrive(key, f"{name}/crm", "done")
        self.sent("a", "clash", 30, ["a/crm"], "c")
        self.answered("c", 31, 409)
        self.rows.append(row("clash", {}))
        self.sent("x", "forged", 32, [])
        self.answered("x", 33, 401)

    def sent(self, name, kind, time, wants, request=None):
        self.load.append({"sent": request or name, "t": time, "kind": kind, "to": "events", "wants": [wants],
                          "events": [["/crm", name, LANE]]})

    def answered(self, request, time, status):
        self.load.append({"ack": request, "t": time, "status": status, "tries": 1})

    @staticmethod
    def decision(name, outcome="ok", word="crm"):
        action = {"connection": "crm", "action": "post", "params": {"body": {"identity": f"{name}/{word}"}}}
        return {"event": {"id": name}, "outcome": outcome, "actions": [action]}

    def arrive(self, key, identity, what, method="POST"):
        self.arrivals.append({"n": len(self.arrivals) + 1, "key": key, "what": what, "effect": what == "done",
                              "method": method, "path": "/crm", "body": {"identity": identity}})

    def number_arrivals(self):
        for number, line in enumerate(self.arrivals, 1):
            line["n"] = number

    def verdict(self, rows=None):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, lines in (("load", self.load), ("destination", self.arrivals),
                                ("export", chained(self.rows) if rows is None else rows)):
                paths.append(Path(folder) / name)
                paths[-1].write_text("".join(json.dumps(line) + "\n" for line in lines))
            return judge.judge(*paths, TENANT)


class JudgeTest(unittest.TestCase):
    def setUp(self):
        self.logs = Logs()

    def assert_found(self, *names, rows=None):
        found = {name for name, count in self.logs.verdict(rows)["faults"].items() if count}
        self.assertEqual(found, set(names))

    def test_good_logs_have_no_faults(self):
        self.assert_found()

    def test_counts_what_was_tried(self):
        counts = self.logs.verdict()["counts"]
        self.assertEqual((counts["sent"], counts["acked"], counts["forged_refused"], counts["clashes"]), (4, 2, 1, 1))
        self.assertEqual((counts["repeats_with_the_same_key"], counts["troubles"]), (2, 2))

    def test_an_acknowledged_event_that_is_not_there_is_lost(self):
        del self.logs.rows[3:6]
        del self.logs.arrivals[2:]
        self.assert_found("lost")

    def test_an_event_without_a_decision_is_lost(self):
        del self.logs.rows[4:6]
        del self.logs.arrivals[2:]
        self.assert_found("lost")

    def test_an_event_that_was_not_answered_may_be_missing(self):
        del self.logs.load[3]
        del self.logs.rows[3:6]
        del self.logs.arrivals[2:]
        self.assert_found()

    def test_two_decisions_of_one_event_are_one_too_many(self):
        self.logs.rows.insert(5, copy.deepcopy(self.logs.rows[4]))
        self.assert_found("duplicated", "out_of_order")

    def test_decisions_in_another_order_than_acceptance_are_found(self):
        rows = self.logs.rows
        first, second = rows[0:1] + rows[3:4], rows[4:5] + rows[1:2]
        second[0]["entity_version"], second[1]["entity_version"] = 1, 2
        self.logs.rows = first + second + rows[2:3] + rows[5:]
        self.logs.arrivals = self.logs.arrivals[2:] + self.logs.arrivals[:2]
        self.logs.number_arrivals()
        self.assert_found("out_of_order")

    def test_what_was_answered_first_has_to_stand_first(self):
        for line in self.logs.load[:2]:
            line["t"] += 100
        self.assert_found("out_of_order")

    def set_timer(self, due="2026-05-04T08:00:00Z"):
        body = json.loads(self.logs.rows[1]["body"])
        self.logs.rows[1]["body"] = json.dumps({**body, "timers": [{"name": "t", "due": due}]})

    def fire(self, name, due="2026-05-04T08:00:00Z"):
        """At the end of the lane, with its action."""
        self.logs.rows.append(row("event", {"source": judge.TIMER, "id": name,
                                            "data": {"timer": {"name": "t", "due": due}}}))
        self.logs.rows.append(row("decision", self.logs.decision(name, word="timed"), 2))
        key = judge.delivery_key(TENANT, (judge.TIMER, name), 1)
        self.logs.rows.append(row("delivered", {"delivery": {"key": key}}))
        self.logs.arrive(key, f"{name}/timed", "done")

    def test_a_timer_that_fires_once_is_fine(self):
        self.set_timer()
        self.fire("x")
        self.assert_found()
        self.assertEqual(self.logs.verdict()["counts"]["timers_fired"], 1)

    def test_a_timer_that_does_not_fire_is_lost(self):
        self.set_timer()
        self.assert_found("timers_lost")

    def test_a_timer_that_fires_twice_or_was_never_set_is_found(self):
        self.fire("x")
        self.assert_found("timers_invented")
        self.set_timer()
        self.assert_found()
        self.fire("y")
        self.assert_found("timers_invented")

    def test_a_timer_that_fires_as_it_was_before_it_was_moved_is_found(self):
        self.set_timer("2026-05-04T09:00:00Z")
        self.fire("x")
        self.assert_found("timers_invented")

    def test_a_successor_that_arrives_too_early_is_found(self):
        arrivals = self.logs.arrivals
        self.logs.arrivals = [arrivals[0], arrivals[2], arrivals[1], arrivals[3]]
        self.logs.number_arrivals()
        self.assert_found("out_of_order")

    def test_an_action_without_an_effect_is_lost(self):
        del self.logs.arrivals[3]
        self.assert_found("actions_lost")

    def test_an_action_that_nobody_asked_for_is_invented(self):
        self.logs.arrive("another key", "", "done")
        self.assert_found("invented")

    def test_one_action_under_two_keys_is_found(self):
        self.logs.arrive("another key", "b/crm", "done")
        self.assert_found("invented", "second_keys")

    def test_a_repeated_post_without_a_key_is_found(self):
        for _ in range(2):
            self.logs.arrive(None, "z/crm", "done")
        self.assert_found("invented", "keyless_repeats")

    def test_a_delivery_settled_twice_is_found(self):
        self.logs.rows.append(copy.deepcopy(self.logs.rows[5]))
        self.assert_found("actions_duplicated")

    def test_a_forgery_that_got_in_is_found(self):
        self.logs.rows += [row("event", {"source": "/crm", "id": "x"}), row("decision", {
            "event": {"id": "x"}, "outcome": "ok", "actions": []}, 2)]
        self.assert_found("forged_accepted")

    def test_an_event_that_nobody_sent_is_invented(self):
        self.logs.rows += [row("event", {"source": "/crm", "id": "y"}), row("decision", {
            "event": {"id": "y"}, "outcome": "ok", "actions": []}, 2)]
        self.assert_found("invented")

    def test_another_outcome_or_action_than_the_rules_say_is_found(self):
        self.logs.rows[4] = row("decision", self.logs.decision("b", outcome="error"), 2)
        self.assert_found("wrong_outcomes")
        self.logs.rows[4] = row("decision", self.logs.decision("b", word="other"), 2)
        self.assertEqual(self.logs.verdict()["faults"]["wrong_outcomes"], 1)

    def test_a_clash_that_is_not_on_record_is_found(self):
        del self.logs.rows[-1]
        self.assert_found("clashes_lost")

    def test_a_missing_row_a_changed_body_and_a_changed_column_are_gaps(self):
        rows = chained(self.logs.rows)
        self.assert_found("gaps", "clashes_lost", rows=rows[:-1] + [{**rows[-1], "seq": 9, "kind": "attempt"}])
        self.assert_found("gaps", rows=[*rows[:2], {**rows[2], "body": rows[2]["body"] + " "}, *rows[3:]])
        self.assert_found("gaps", rows=[{**rows[0], "actor": "nobody"}, *rows[1:]])

    def test_a_version_that_is_left_out_is_a_gap(self):
        self.logs.rows[4]["entity_version"] = 3
        self.assert_found("gaps")

    def decide_more(self, name, time=1, **more):
        """Another event of the lane, of the engine's own, with that much more in its decision."""
        told = more.pop("told", [])
        self.logs.rows.append(row("event", {"source": "signalbox:emit", "id": name, "data": {}}))
        actions = [{"connection": "crm", "action": "post", "params": {"body": {"identity": one}}} for one in told]
        body = {"event": {"id": name}, "outcome": "ok", "actions": actions, **more}
        self.logs.rows.append({**row("decision", body, 2), "time": time})
        for index, one in enumerate(told, 1):
            key = judge.delivery_key(TENANT, ("signalbox:emit", name), index)
            self.logs.rows.append(row("delivered", {"delivery": {"key": key}}))
            self.logs.arrive(key, one, "done")

    def step(self, name, *changes, told=None):
        """Changes as (what, level) or (what, level, round); a level tells ana."""
        listed, expected = [], []
        for what, level, *rounds in changes:
            turn = rounds[0] if rounds else 1
            listed.append({"escalation": "slow", "change": what, "level": level, "round": turn,
                           "notified": ["person ana"] if what == "stepped" else []})
            expected += [f"{name}/told/slow/{turn}.{level}/ana"] if what == "stepped" else []
        self.decide_more(name, escalations=listed, told=expected if told is None else told)

    def test_an_escalation_that_goes_through_its_levels_is_fine(self):
        self.step("e1", ("started", 0), ("stepped", 1))
        self.step("e2", ("stepped", 2))
        self.step("e3", ("acknowledged", 2))
        self.step("e4", ("resumed", 2), ("stepped", 3))
        self.step("e5", ("stepped", 1, 2))
        self.step("e6", ("ended", 1, 2))
        self.assert_found()
        counts = self.logs.verdict()["counts"]
        self.assertEqual((counts["cases"], counts["levels"], counts["told"]), (1, 4, 4))

    def test_who_took_on_the_last_level_is_told_once_more(self):
        levels = [("stepped", level, turn) for turn in (1, 2) for level in (1, 2, 3)]
        self.step("e1", ("started", 0), *levels, ("exhausted", 3, 2), ("acknowledged", 3, 2))
        self.step("e2", ("resumed", 2, 2), ("stepped", 3, 2), ("ended", 3, 2))
        self.assert_found()

    def test_a_level_that_comes_twice_is_found(self):
        self.step("e1", ("started", 0), ("stepped", 1))
        self.step("e2", ("stepped", 1))
        self.step("e3", ("ended", 1))
        self.assert_found("levels_doubled")

    def test_an_escalation_that_is_begun_twice_is_found(self):
        self.step("e1", ("started", 0), ("stepped", 1))
        self.step("e2", ("started", 0), ("stepped", 1))
        self.step("e3", ("ended", 1))
        self.assert_found("levels_doubled")

    def test_a_level_that_is_left_out_is_lost(self):
        self.step("e1", ("started", 0), ("stepped", 1), ("stepped", 3), ("ended", 3))
        self.assert_found("levels_lost")

    def test_an_escalation_that_never_ends_is_lost(self):
        self.step("e1", ("started", 0), ("stepped", 1))
        self.assert_found("levels_lost")

    def test_people_who_are_not_told_and_others_who_are_are_found(self):
        self.step("e1", ("started", 0), ("stepped", 1), ("ended", 1), told=[])
        self.assert_found("told_wrongly")
        self.step("e2", ("started", 0), ("ended", 0), told=["e2/told/slow/1.1/ben"])
        self.assertEqual(self.logs.verdict()["faults"]["told_wrongly"], 2)

    def move(self, name, time, **place):
        self.decide_more(name, time, routing_state={"place": place} if place else {})

    def test_work_within_capacity_is_fine(self):
        self.move("p1", 1, queue="general", waits_since="2026-05-04T08:00:00Z")
        self.move("p2", 2, queue="general", agent="ana", channel="chat")
        self.move("p3", 3)
        self.assert_found()
        self.assertEqual(self.logs.verdict()["counts"]["waited"], 1)

    def test_work_beyond_capacity_is_found(self):
        state = judge.CAPACITIES
        judge.CAPACITIES = {"ana": {"all": 0}, "ben": {"chat": 1, "other": 0, "all": 9}}
        try:
            self.move("p1", 1, queue="general", agent="ben", channel="chat")
            self.move("p2", 2)
            self.assert_found()
            self.move("p3", 3, queue="general", agent="ben", channel="email")
            self.move("p4", 4)
            self.assert_found("over_capacity")
            self.move("p5", 5, queue="general", agent="ana", channel="chat")
            self.move("p6", 6)
            self.assertEqual(self.logs.verdict()["faults"]["over_capacity"], 2)
        finally:
            judge.CAPACITIES = state

    def test_what_is_left_at_the_desk_is_found(self):
        self.move("p1", 1, queue="general", waits_since="2026-05-04T08:00:00Z")
        self.assert_found("left_at_the_desk")
        self.move("p2", 2, queue="general", agent="ana", channel="chat")
        self.assert_found("left_at_the_desk")


if __name__ == "__main__":
    unittest.main()
