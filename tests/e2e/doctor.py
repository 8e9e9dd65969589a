#!/usr/bin/env python3
"""Faults of every kind, each put into a good store: doctor names it, says what to do, and ends as it should. What
follows from the journal is put right by rebuild."""
import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig.bench import Bench, scaled  # noqa: E402
from rig.daemon import exit_code_of, expect  # noqa: E402

LONG_AGO = "1600000000000000"
DELIVERY = json.dumps({"action": "post", "as": "ticket", "connection": "CONNECTION", "event": "e", "firing": "r#1",
                       "hops": 0, "key": "k", "params": {}, "relaxed": False, "rule": "r", "ruleset": "", "save": {},
                       "source": "s"})
EVENT = json.dumps({"specversion": "1.0", "id": "w", "source": "/s", "type": "ticket.created", "subject": "ticket/W",
                    "received": "2020-01-01T00:00:00Z", "data": {}})
CONTINUATION = json.dumps({"rule": "r", "ruleset": "v", "firing": "r#9", "awaits": ["ticket"], "resume_at": [1],
                           "results": {}})
BAD_RULES = json.dumps({"rules.yaml": "rules:\n  - id: x\n    onn: a\n"})
TENANT = "(SELECT min(id) FROM {s}tenants)"

# What is done to the store, which check says so, and whether it is an error; the rest of what doctor says stays good.
EITHER = [
    ("UPDATE {s}streams SET seq = seq + 1 WHERE name = 'control'", "journal.chain", True),
    ("UPDATE {s}streams SET seq = seq - 1 WHERE name = 'control'", "journal.chain", True),
    ("UPDATE {s}seen SET event_seq = 999999 WHERE key = (SELECT key FROM {s}seen ORDER BY key LIMIT 1)", "seen.rows",
     True),
    ("UPDATE {s}entities SET version = version + 1 WHERE subject = (SELECT min(subject) FROM {s}entities)",
     "entities.version", True),
    ("DELETE FROM {s}rule_sets", "rules.active", True),
    (f"UPDATE {{s}}rule_sets SET files = '{BAD_RULES.replace('{', '{{').replace('}', '}}')}'", "rules.active", True),
    (f"INSERT INTO {{s}}continuations (tenant, id, partition, subject, continuation, context) VALUES ({TENANT}, 'c', 1,"
     f" 'ticket/W', '{CONTINUATION.replace('{', '{{').replace('}', '}}')}', '{{{{}}}}')", "continuations.lost", True),
    (f"INSERT INTO {{s}}blocked_lanes (tenant, subject, partition, reason, event, since) VALUES ({TENANT}, 'ticket/W', 1,"
     f" 'why', 'w', {LONG_AGO})", "lanes.blocked", False),
    (f"INSERT INTO {{s}}requests (tenant, command, arguments, actor, made) VALUES ('rig', 'x', '{{{{}}}}', 'a', {LONG_AGO})",
     "requests.unanswered", False),
    ("UPDATE {s}store SET simulated = TRUE", "store.simulated", False),
    ("INSERT INTO {s}counters (partition, place, number{rows}) VALUES (-2, 1, 0{none})", "store.whole", True),
]
PLACED = [
    (f"INSERT INTO {{s}}outbox ({{place}}, tenant, lane, attempts, created, next_attempt, body) VALUES ({{at}}, {TENANT},"
     f" 'ticket/W', 0, {LONG_AGO}, 0, '{{other}}')", "deliveries.connection", True),
    (f"INSERT INTO {{s}}outbox ({{place}}, tenant, lane, attempts, created, next_attempt, body) VALUES ({{at}}, {TENANT},"
     f" 'ticket/W', 0, {LONG_AGO}, 0, '{{crm}}')", "outbox.age", False),
    (f"INSERT INTO {{s}}pending ({{waits}}, tenant, subject, kind, event, context, event_seq) VALUES ({{at}}, {TENANT},"
     f" 'ticket/W', 'event', '{{event}}', '{{empty}}', 0)", "pending.age", False),
    (f"INSERT INTO {{s}}dead_letters ({{place}}, tenant, lane, attempts, created, next_attempt, body, key, reason, status,"
     f" since) VALUES ({{at}}, {TENANT}, 'ticket/W', 0, 0, 0, '{{crm}}', 'k', 'gone', 410, 0)", "dead_letters", False),
]
# What follows from the journal, and is another now.
COMPUTED = [
    "UPDATE {s}entities SET fields = '{{\"subject\":\"forged\"}}' WHERE subject = (SELECT min(subject) FROM {s}entities)",
    "DELETE FROM {s}entities WHERE subject = (SELECT max(subject) FROM {s}entities)",
    "UPDATE {s}seen SET decision_seq = 999999 WHERE key = (SELECT key FROM {s}seen ORDER BY key LIMIT 1)",
    PLACED[0][0],
    PLACED[2][0],
]


def findings(bench, url, *words, code=0):
    lines = bench.daemon.command("doctor", "--store", url, "--json", *words, store=False, code=code).splitlines()
    found = [json.loads(line) for line in lines]
    for one in found:
        expect(set(one) == {"level", "check", "what", "where", "remedy"}, f"a finding is {one}")
        expect(one["what"] and (one["remedy"] or one["level"] == "ok"), f"{one} says not what to do")
    return found


def check_named(bench, url, check, error, what, *words):
    """The check is not good, and it is an error or not."""
    found = findings(bench, url, *words, code=1 if error else 0)
    levels = {one["level"] for one in found if one["check"] == check}
    expect(("error" if error else "warning") in levels, f"{what}: {check} is {levels}, all is "
           f"{[one for one in found if one['level'] != 'ok']}")
    return found


def check_rebuilt(bench, url, spoil):
    """Differences are named and left alone, then put right, and then there is none."""
    rebuild = lambda *words, code=0: bench.daemon.command("rebuild", "--store", url, *words, store=False, code=code)
    rebuild("--check")
    for text in COMPUTED:
        spoil(text)
    named = [json.loads(line) for line in rebuild("--check", "--json", code=1).splitlines()]
    expect(named[-1]["differences"] == len(COMPUTED) == len(named) - 1, f"differences: {named}")
    rebuild("--check", code=1)
    rebuild("--replace")
    rebuild("--check")
    bench.daemon.command("audit", "verify", "--deep", "--store", url, store=False)
    expect(not [one for one in findings(bench, url) if one["level"] == "error"], "doctor is not content with it")


def sqlite_statement(text):
    return text.format(s="", rows=", outbox_rows", none=", 0", place="position", waits="position",
                       at=str(2**40 + 77), other=DELIVERY.replace("CONNECTION", "nowhere"),
                       crm=DELIVERY.replace("CONNECTION", "crm"), event=EVENT, empty="{}")


def postgres_statement(text):
    return text.format(s="signalbox.", rows="", none="", place="partition, number", waits="partition, place",
                       at="1, 777777", other=DELIVERY.replace("CONNECTION", "nowhere"),
                       crm=DELIVERY.replace("CONNECTION", "crm"), event=EVENT, empty="{}")


def check_sqlite(bench):
    good = Path(bench.store.path)
    bad = bench.work / "bad.db"
    url = f"sqlite:///{bad}"

    def spoiled(statement):
        for leftover in bench.work.glob("bad.db*"):
            leftover.unlink()
        shutil.copy(good, bad)
        database = sqlite3.connect(bad, isolation_level=None)
        if statement:
            database.execute(statement)
        database.close()

    spoiled("")
    expect(not [one for one in findings(bench, url) if one["level"] == "error"], "a good store has errors")
    findings(bench, url, "--deep", "--tenants", bench.daemon.folder)
    for text, check, error in EITHER + PLACED:
        spoiled(sqlite_statement(text))
        check_named(bench, url, check, error, text)
    spoiled("UPDATE journal SET actor = 'mallory' WHERE position = (SELECT min(position) FROM journal)")
    findings(bench, url)
    check_named(bench, url, "journal.chain", True, "a changed row", "--deep")
    spoiled("DELETE FROM journal WHERE position = (SELECT max(position) FROM journal)")
    check_named(bench, url, "journal.chain", True, "the last row is gone")
    spoiled("PRAGMA user_version = 99")
    check_named(bench, url, "store.opens", True, "a newer schema")
    spoiled("PRAGMA journal_mode = delete")
    found = check_named(bench, url, "store.reachable", True, "without a log")
    expect("journal mode" in found[0]["what"], f"{found} does not name the journal mode")
    spoiled("")
    with open(f"{bad}-wal", "wb") as log:
        log.truncate(600 << 20)
    check_named(bench, url, "sqlite.log_size", False, "a long log")
    spoiled("")
    with open(bad, "r+b") as file:
        file.seek(4096 * (good.stat().st_size // 4096 // 2))
        file.write(b"\xff" * 4096 * 4)
    found = findings(bench, url, code=1)
    # Whose pages these are differs from run to run: of what is read at the opening, or of what is not.
    named = {"store.opens", "sqlite.quick_check", "store.examine"}
    expect(any(one["check"] in named and one["level"] == "error" for one in found), f"damaged pages: {found}")
    check_named(bench, f"sqlite:///{bench.work}/none.db", "store.reachable", True, "no store")

    def spoil(text):
        database = sqlite3.connect(bad, isolation_level=None)
        database.execute(sqlite_statement(text))
        database.close()

    spoiled("")
    check_rebuilt(bench, url, spoil)


# Statement, what takes it back, check, whether it is an error.
SERVER = [
    ("ALTER TABLE signalbox.journal DISABLE TRIGGER only_added_to", "ALTER TABLE signalbox.journal ENABLE TRIGGER only_added_to",
     "postgres.triggers", True),
    ("ALTER TABLE signalbox.entities NO FORCE ROW LEVEL SECURITY", "ALTER TABLE signalbox.entities FORCE ROW LEVEL SECURITY",
     "postgres.row_security", True),
    ("GRANT UPDATE ON signalbox.journal TO signalbox_app", "REVOKE UPDATE ON signalbox.journal FROM signalbox_app",
     "postgres.role", True),
    ("UPDATE signalbox.owners SET fenced = false, until = now() - interval '1 hour'",
     "UPDATE signalbox.owners SET fenced = true", "postgres.lease", False),
    ("CREATE TABLE signalbox.journal_2090 PARTITION OF signalbox.journal FOR VALUES FROM ('2090-01-01') TO ('2090-02-01')",
     "DROP TABLE signalbox.journal_2090", "postgres.triggers", True),
]


def run_in(server, url, statement):
    subprocess.run([server.cluster.bin / "psql", url, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", statement], check=True,
                   capture_output=True)


def check_postgres(bench):
    server, url = bench.store, bench.store.url
    found = check_named(bench, url, "postgres.data_checksums", False, "a server without checksums")
    expect(not [one for one in found if one["level"] == "error"], f"a good store has errors: {found}")
    for done, undone, check, error in SERVER:
        server.ask(done)
        check_named(bench, url, check, error, done)
        server.ask(undone)
    # In a transaction nobody else would see it: each fault has a copy of the database.
    for number, (text, check, error) in enumerate(EITHER + PLACED):
        server.ask(f"CREATE DATABASE bad{number} TEMPLATE postgres")
        bad = server.cluster.url(f"bad{number}")
        run_in(server, bad, postgres_statement(text))
        check_named(bench, bad, check, error, text)
        server.ask(f"DROP DATABASE bad{number}")
    server.ask("CREATE DATABASE rebuilt TEMPLATE postgres")
    rebuilt = server.cluster.url("rebuilt")
    check_rebuilt(bench, rebuilt, lambda text: run_in(server, rebuilt, postgres_statement(text)))
    for setting, check, error in (("synchronous_commit", "postgres.synchronous_commit", False), ("fsync", "store.opens", True)):
        server.ask(f"ALTER SYSTEM SET {setting} = off")
        server.ask("SELECT pg_reload_conf()")
        time.sleep(1)  # the server takes it when it likes; it says so to nobody
        found = check_named(bench, url, check, error, setting)
        expect(any(setting in one["what"] for one in found), f"{setting} is not named: {found}")
        server.ask(f"ALTER SYSTEM RESET {setting}")
    server.cluster.stop()
    check_named(bench, url, "store.reachable", True, "a server that is away")


def run(arguments):
    with Bench(arguments.signalbox, arguments.work, "doctor", trouble=0, store=arguments.store) as bench:
        bench.start()
        load = bench.load(scaled(400), workers=8)
        load.join()
        bench.daemon.wait_until_idle(240)
        found = findings(bench, bench.store.url)
        expect(any(one["what"] == "a process owns the store" for one in found), f"the owner is not seen: {found}")
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        check_sqlite(bench) if arguments.store == "sqlite" else check_postgres(bench)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/doctor", help="folder for stores and logs, made afresh")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite", help="a server is the test's own")
    return exit_code_of(run, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
