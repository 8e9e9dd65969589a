#!/usr/bin/env python3
"""Rules that change under load: pushed, rolled back, and read again from the folder, good ones and bad ones.

Nothing may be lost or doubled, nobody is turned away, a bad rule set changes nothing, and in each stream of the journal
the decisions name the versions in the order in which they went live. A restart goes on with what was live last.
"""
import argparse
import json
import shutil
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig import tenant  # noqa: E402
from rig.bench import Bench, scaled  # noqa: E402
from rig.daemon import exit_code_of, expect, wait_until  # noqa: E402

REQUESTS = 4_000
SENDERS = 16
VERSIONS = 10  # pushed, and as many read from the folder
BROKEN = "rules:\n  - id: broken\n    on: ticket.created\n    then: [ { shout: loud } ]\n"


class Versions:
    """Writes rule sets that do the same and have different contents, and makes them live."""

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.work / "tenants" / tenant.NAME
        self.pushed = bench.work / "pushed" / tenant.NAME
        shutil.copytree(self.folder, self.pushed)
        self.count = 0

    def write(self, folder):
        self.count += 1
        (folder / "rules.yaml").write_text(f"# version {self.count}\n{tenant.RULES}")

    def push(self):
        self.write(self.pushed)
        said = f"the {self.count}th"
        answer = json.loads(self.bench.daemon.command("rules", "push", self.pushed, "-m", said, "--json"))
        expect(answer["state"] == "active", f"pushed and not live: {answer}")
        return answer["version"]

    def push_broken(self):
        broken = self.bench.work / "broken" / tenant.NAME
        shutil.copytree(self.pushed, broken, dirs_exist_ok=True)
        (broken / "rules.yaml").write_text(BROKEN)
        self.bench.daemon.command("rules", "push", broken, code=65)

    def reload(self):
        self.bench.daemon.process.send_signal(signal.SIGHUP)

    def reload_folder(self):
        before = self.active()
        self.write(self.folder)
        self.reload()
        wait_until(lambda: self.active() != before, "the folder does not go live")

    def reload_broken(self):
        good = (self.folder / "rules.yaml").read_text()
        (self.folder / "rules.yaml").write_text(BROKEN)
        before = self.bench.daemon.log.read_text().count("goes on as it was")
        self.reload()
        wait_until(lambda: self.bench.daemon.log.read_text().count("goes on as it was") > before,
                   "nobody says that the folder is broken")
        (self.folder / "rules.yaml").write_text(good)

    def known(self):
        """Newest first."""
        return self.bench.daemon.records("rules", "list", "--tenant", tenant.NAME)

    def active(self):
        return self.known()[0]["version"]


def change_under_load(bench, versions):
    for _ in range(scaled(VERSIONS)):
        pushed = versions.push()
        versions.push_broken()
        versions.reload_broken()
        versions.reload()  # the folder says nothing new
        expect(versions.active() == pushed, "something else than what was pushed is live")
        versions.reload_folder()
    before = versions.known()[1]["version"]
    bench.daemon.command("rules", "rollback", "-m", "back", "--tenant", tenant.NAME)
    expect(versions.active() == before, "the rollback did not take the version before")
    bench.daemon.command("rules", "diff", "--tenant", tenant.NAME, code=1)
    bench.daemon.command("rules", "diff", "active", before, "--tenant", tenant.NAME)


def serve_a_newcomer(bench):
    """A tenant that never had a folder here: pushed, it is served at once and after a restart."""
    folder = bench.work / "pushed" / "newcomer"
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(
        "rules:\n  - id: greet\n    on: ticket.created\n    then: [ { add_tags: [new] } ]\n")
    event = {"specversion": "1.0", "id": "n1", "source": "/crm", "type": "ticket.created", "subject": "ticket/7",
             "data": {"ticket": {"subject": "hello"}}}
    bench.daemon.command("rules", "push", folder)
    key = bench.daemon.make_key("newcomer")
    post = lambda: bench.daemon.call("POST", "/v1/newcomer/events", event, key=key,
                                     headers={"Content-Type": "application/cloudevents+json"})
    expect(post()[0] == 202, "the newcomer is not served")
    event["id"] = "n2"
    return post


def check_order(bench, versions):
    """Versions of decisions go along with the activations, in each stream by itself."""
    live = [one["version"] for one in reversed(versions.known())]
    named = set()
    places = {}
    for line in (bench.work / "export.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["kind"] != "decision":
            continue
        at = places.get(row["stream"], 0)
        while at < len(live) and live[at] != row["ruleset"]:
            at += 1
        expect(at < len(live), f"{row['stream']}#{row['seq']} names {row['ruleset']} out of order")
        places[row["stream"]] = at
        named.add(row["ruleset"])
    expect(len(named) > len(live) / 3, f"only {len(named)} of {len(live)} versions decided anything")
    print(f"{len(live)} activations, {len(named)} versions named by decisions, in order in {len(places)} streams")


def run(arguments):
    with Bench(arguments.signalbox, arguments.work, arguments.seed) as bench:
        bench.start()
        versions = Versions(bench)
        load = bench.load(scaled(REQUESTS), workers=SENDERS, rate=scaled(REQUESTS) / 12)
        change_under_load(bench, versions)
        post = serve_a_newcomer(bench)
        load.join()
        bench.daemon.wait_until_idle()
        live = versions.active()
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        bench.away()
        bench.start()
        expect(versions.active() == live, "the start forgot what was live")
        expect(post()[0] == 202, "the newcomer is not served any more")
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        bench.verdict()
        check_order(bench, versions)
        refused = load.counts["answered 503"]
        expect(refused == 0, f"{refused} requests were turned away")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/e2e-reload", help="folder for store and logs, made afresh")
    parser.add_argument("--seed", default="1", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
