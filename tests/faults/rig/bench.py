"""One test bench: tenant, destination, daemon and senders in one folder, and the verdict at the end."""
import json
import os
import shutil
import threading
from collections import Counter
from pathlib import Path

from rig import judge, tenant
from rig.daemon import Daemon, expect
from rig.destination import RunningDestination
from rig.load import Load
from rig.stores import store_of

SLOW = os.environ.get("SIGNALBOX_SLOW", "0") not in ("", "0")  # a sanitizer build: a tenth of everything
PROOF_SECONDS_MAX = 3600
LOOK_SECONDS = 0.2


def scaled(count):
    return max(1, count // 10) if SLOW else count


class DeskWatch:
    """Looks at the desk over HTTP all the time: nobody ever has more than fits."""

    def __init__(self, bench):
        self.bench = bench
        self.looks = 0
        self.faults = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.ended.wait(LOOK_SECONDS):
            try:
                status, _, desk = self.bench.daemon.call("GET", f"/v1/{tenant.NAME}/desk?limit=1", key=self.bench.key)
            except OSError:  # it is dead, or dying
                continue
            if status == 200:
                self._judge(desk)
            elif status != 503:
                self.faults.append(f"the desk was answered {status}: {desk}")

    def _judge(self, desk):
        self.looks += 1
        for agent in desk["agents"]:
            over = judge.over_capacity(agent["id"], Counter(agent["load"]["channels"]))
            if over:
                self.faults.append(f"{agent['id']} has {over}")

    def end(self):
        self.ended.set()
        self.thread.join()


class Bench:
    def __init__(self, program, work, seed, trouble=0.15, options=(), store="sqlite", clock_jumps=False):
        self.work = Path(work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.seed = seed
        self.destination = RunningDestination(self.work / "destination.jsonl", seed, trouble)
        self.loads = []
        folder = tenant.write_tenant(self.work / "tenants" / tenant.NAME, self.destination.url).parent
        self.store = store_of(store, self.work)
        self.make_daemon = lambda name: Daemon(program, self.work, folder, tenant.SECRETS,
                                               ("--log-level", "warn", *options), self.store, name)
        self.daemon = self.make_daemon("serve")
        self.clock_jumps = clock_jumps
        self.watch = None
        self.other = None  # one that stands by
        self.key = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for load in self.loads:
            load.stopping = True
        if self.watch:
            self.watch.end()
        self.daemon.end()
        if self.other:
            self.other.end()
        self.destination.stop()
        self.store.remove()

    def start(self, *options, under=()):
        seconds = self.daemon.start(*options, under=under)
        if not self.key:
            self.key = self.daemon.make_key(tenant.NAME)
        for load in self.loads:
            load.address = self.daemon.address
        return seconds

    def load(self, requests, **how):
        """Senders that go on over every restart; all of them write into one log."""
        load = Load(self.work / "load.jsonl", self.seed, requests, **how)
        self.loads.append(load)
        load.start(self.daemon.address, self.key)
        self.watch = self.watch or DeskWatch(self)
        return load

    def stand_by(self):
        """A second daemon on the same store."""
        self.other = self.other or self.make_daemon("standby")
        self.other.stand_by()

    def change_over(self):
        """The one that stood by owns the store now: it is the daemon, and senders go there."""
        self.daemon, self.other = self.other, self.daemon
        for load in self.loads:
            load.address = self.daemon.address

    def away(self):
        """The daemon is gone: whoever sends gets no answer."""
        for load in self.loads:
            load.address = None

    def check_desk(self):
        """What the program says of its desk when everything is done."""
        self.daemon.command("escalations", "audit", "--tenant", tenant.NAME)
        expect(not self.daemon.records("escalations", "list", "--tenant", tenant.NAME), "escalations are left")
        self.watch.end()
        print(f"desk: {self.watch.looks} looks, {len(self.watch.faults)} faults")
        expect(not self.watch.faults, "; ".join(self.watch.faults[:judge.SHOWN_MAX]))
        desk = json.loads(self.daemon.command("desk", "--tenant", tenant.NAME, "--json"))
        loads = {agent["id"]: agent["load"]["all"] for agent in desk["agents"]}
        expect(set(loads) == set(tenant.CAPACITIES), f"the desk has {sorted(loads)}")
        expect(not any(loads.values()) and not any(queue["count"] for queue in desk["queues"]),
               f"something is left at the desk: {desk}")

    def check_proof(self):
        """Made again from the journal, projections are the same, and so is every decision."""
        rebuilt = self.daemon.command("rebuild", seconds=PROOF_SECONDS_MAX)
        executed = self.daemon.command("audit", "verify", "--reexecute", seconds=PROOF_SECONDS_MAX)
        print(f"rebuild: {rebuilt.strip().splitlines()[-1] if rebuilt.strip() else 'the same'}")
        print(f"reexecute: {executed.strip().splitlines()[-1] if executed.strip() else 'the same'}")

    def verdict(self):
        """Of a stopped daemon: prints the counts and fails unless all that must be zero is."""
        for load in self.loads:
            load.join()
        report = self.daemon.command("audit", "verify")
        export = self.work / "export.jsonl"
        export.write_text(self.daemon.command("audit", "export", "--tenant", tenant.NAME))
        found = judge.judge(self.work / "load.jsonl", self.destination.log, export, tenant.NAME, self.clock_jumps)
        print(judge.text_of(found))
        print(f"audit verify: {report.strip()}")
        surprises = [surprise for load in self.loads for surprise in load.surprises]
        shown = found["shown"] + surprises[:judge.SHOWN_MAX]
        expect(not any(found["faults"].values()) and not surprises,
               f"seed {self.seed}, {len(surprises)} surprising answers; " + "; ".join(shown))
        self.check_desk()
        self.check_proof()
        return found
