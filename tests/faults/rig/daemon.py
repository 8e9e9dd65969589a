"""The daemon under test: started, asked, commanded, stopped or killed."""
import argparse
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from rig.stores import SqliteFile

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 120


class Failed(AssertionError):
    """What had to be true was not."""


def expect(holds, message):
    if not holds:
        raise Failed(message)


def arguments_of(description):
    """What every test program is told; one may add to it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--signalbox", required=True)
    parser.add_argument("--work", required=True)
    return parser


def exit_code_of(run, arguments):
    """Of a test program: 1 when something that had to be true was not."""
    if getattr(arguments, "seed", ""):
        print(f"seed={arguments.seed}", flush=True)
    try:
        run(arguments)
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    return 0


def wait_until(holds, message, seconds=60, pause=0.01):
    """Asks until `holds` gives something; the deadline is for what is broken, not for what is slow."""
    until = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > until:
            raise Failed(f"after {seconds} s: {message() if callable(message) else message}")
        time.sleep(pause)


class Daemon:
    """One store and one folder of tenants, served by one process after another."""

    def __init__(self, program, work, folder, environment=None, options=(), kept=None, name="serve"):
        self.program = os.path.abspath(program)
        self.work = Path(work)
        self.folder = folder
        self.kept = kept or SqliteFile(work)
        self.store = self.kept.url
        self.log = self.work / f"{name}.log"
        self.environment = {**os.environ, **self.kept.environment, **(environment or {})}
        self.options = list(options)
        self.process = None
        self.address = None

    def start(self, *options, under=()):
        """Begins to serve on a free port, perhaps under another program; gives the seconds until it was ready."""
        began = self._begin(options, under)
        self.wait_until_ready()
        return time.monotonic() - began

    def start_to_die(self):
        """Begins to serve with a failpoint, at which it may end before it is ready."""
        try:
            self._begin((), ())
        except Failed:
            expect(self.ends_within(START_SECONDS_MAX), "it neither serves nor ends")

    def stand_by(self, *options):
        """Begins beside the owner of the store, and waits until it says that it waits."""
        self._begin(("--standby", *options), ())
        reason = wait_until(self._standing, self._why_not, START_SECONDS_MAX)
        expect(reason != "ready", "it took the store over at once: the owner was kept from renewing its lease")

    def _standing(self):
        reason = self.reason()
        return "ready" if reason == "" else "standby: " in reason and reason

    def reason(self):
        """Why it is not ready; empty when it is."""
        self._must_run()
        status, _, content = self.call("GET", "/readyz")
        return "" if status == 200 else content.get("reason", "?")

    def wait_until_ready(self):
        wait_until(self._is_ready, self._why_not, START_SECONDS_MAX, pause=0.002)

    def _begin(self, options, under):
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*under, self.program, "serve", "--tenants", str(self.folder), "--store", self.store,
                 "--listen", "127.0.0.1:0", *self.options, *options],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        self.address = ("127.0.0.1", self._read_port(began))
        return began

    def _read_port(self, began):
        line = b""
        while not line.endswith(b"\n"):
            left = began + START_SECONDS_MAX - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise Failed(f"the daemon did not start: {self._tail()}")
            line += piece
        return int(line.decode().strip().rsplit(":", 1)[1])

    def _must_run(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon ended with {self.process.returncode}: {self._tail()}")

    def _is_ready(self):
        self._must_run()
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def _why_not(self):
        try:
            reason = self.reason()
        except OSError as error:
            reason = f"it does not answer, {error}"
        return f"the daemon is not ready ({reason}): {self._tail()}"

    def _tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: no word of warning, nothing is written any more."""
        self.process.kill()
        self.wait_for_end()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """As an operator would; gives the exit code."""
        if self.running():
            self.terminate()
        return self.wait_for_end()

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def wait_for_end(self):
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Failed(f"the daemon does not end: {self._tail()}") from None
        finally:
            self.process.stdout.close()

    def end(self):
        """For `finally`: whatever became of the test, the process is gone."""
        if self.running():
            self.process.kill()
            self.process.wait()

    def call(self, method, path, body=None, headers=None, key=None):
        """Status, headers and body (as JSON where it is some) of one request on its own connection."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            sent = dict(headers or {})
            if key:
                sent["Authorization"] = f"Bearer {key}"
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read()
            try:
                content = json.loads(text)
            except ValueError:
                content = text.decode(errors="replace")
            return answer.status, answer.headers, content
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def gauges(self):
        """The daemon's numbers by name, those of one family added up."""
        numbers = {}
        for line in self.call("GET", "/metrics")[2].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                numbers[name] = numbers.get(name, 0) + float(value)
        return numbers

    def work_left(self, but_not_for=""):
        """Events to decide, timers to fire and deliveries to make, as committed: the metrics may lag behind."""
        events, deliveries = self.kept.waiting()
        return events, sum(f'"connection":"{but_not_for}"' not in delivery for delivery in deliveries)

    def wait_until_idle(self, seconds=120):
        """Until everything is decided, delivered, and what came of it decided too; nobody may be sending any more."""
        idle = lambda: self.work_left() == (0, 0)
        wait_until(idle, lambda: f"events and deliveries left: {self.work_left()}", seconds, pause=0.05)

    def wait_until_decided(self, seconds=60):
        """Until no event waits; timers may."""
        waits = lambda: self.gauges()["signalbox_pending_events"] + self.gauges()["signalbox_intake_waiting"]
        wait_until(lambda: waits() == 0, "events are left", seconds)

    def command(self, *words, code=0, store=True, stdin=None, seconds=COMMAND_SECONDS_MAX):
        """Runs the program; its exit code has to be `code`, None for any. Gives what it printed."""
        words = [self.program, *map(str, words), *(("--store", self.store) if store else ())]
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment, input=stdin,
                              timeout=seconds)
        said = f"`{' '.join(words[1:])}` ended with {done.returncode}, not {code}: {done.stderr[-1000:]}"
        expect(code in (None, done.returncode), said)
        return done.stdout

    def records(self, *words, code=0):
        return [json.loads(line) for line in self.command(*words, "--json", code=code).splitlines()]

    def make_key(self, tenant, *words):
        return json.loads(self.command("keys", "create", "--tenant", tenant, "--json", *words))["key"]
