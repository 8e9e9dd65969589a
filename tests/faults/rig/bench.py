"""One test bench: tenant, destination, daemon and senders in one folder, and the verdict at the end."""
import os
import shutil
from pathlib import Path

from rig import judge, tenant
from rig.daemon import Daemon, expect
from rig.destination import RunningDestination
from rig.load import Load
from rig.stores import store_of

SLOW = os.environ.get("SIGNALBOX_SLOW", "0") not in ("", "0")  # a sanitizer build: a tenth of everything


def scaled(count):
    return max(1, count // 10) if SLOW else count


class Bench:
    def __init__(self, program, work, seed, trouble=0.15, options=(), store="sqlite"):
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
        self.other = None  # one that stands by
        self.key = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for load in self.loads:
            load.stopping = True
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

    def verdict(self):
        """Of a stopped daemon: prints the counts and fails unless all that must be zero is."""
        for load in self.loads:
            load.join()
        report = self.daemon.command("audit", "verify")
        export = self.work / "export.jsonl"
        export.write_text(self.daemon.command("audit", "export", "--tenant", tenant.NAME))
        found = judge.judge(self.work / "load.jsonl", self.destination.log, export, tenant.NAME)
        print(judge.text_of(found))
        print(f"audit verify: {report.strip()}")
        surprises = [surprise for load in self.loads for surprise in load.surprises]
        shown = found["shown"] + surprises[:judge.SHOWN_MAX]
        expect(not any(found["faults"].values()) and not surprises,
               f"seed {self.seed}, {len(surprises)} surprising answers; " + "; ".join(shown))
        return found
