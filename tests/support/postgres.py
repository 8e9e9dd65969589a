#!/usr/bin/env python3
"""A PostgreSQL cluster of one's own: made in a temporary folder, gone at the end.

    postgres.py COMMAND…    runs the command with SIGNALBOX_TEST_POSTGRES set to the URL of a server that is only its own

The server keeps its promises (fsync is on) and listens on 127.0.0.1 only.
"""
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PASSWORD = "only-for-tests"
START_SECONDS_MAX = 60
PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h


def bin_folder():
    """Where initdb and postgres are: the newest of Debian's, or those on the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in [*versions, *map(Path, os.environ.get("PATH", "").split(":"))]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise SystemExit("PostgreSQL's server is not installed: apt-get install postgresql")


def unprivileged():
    """The server refuses to run as root: (uid, gid) of somebody else then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
        except KeyError:
            pass
    raise SystemExit("there is no user postgres or nobody to run the server as")


class Cluster:
    """One server; `start` again after `kill` recovers it."""

    def __init__(self, settings=()):
        self.bin = bin_folder()
        self.user = unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="signalbox-postgres-"))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.settings = dict(settings)
        self.server = None
        if self.user:
            os.chown(self.folder, *self.user)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.user:
            os.chown(password, *self.user)
        self._run("initdb", "--pgdata", self.data, "--username", "signalbox", "--pwfile", password, "--auth", "scram-sha-256",
                  "--encoding", "UTF8", "--locale", "C", "--no-instructions")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def url(self, database="postgres"):
        return f"postgresql://signalbox:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self):
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
                    "max_connections": 100, "shared_buffers": "64MB", "log_min_messages": "warning", **self.settings}
        words = [self.bin / "postgres", "-D", self.data]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        with open(self.log, "a") as log:
            self.server = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                                           preexec_fn=self._end_with_parent, **self._as_user())
        until = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if self.server.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"PostgreSQL does not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        return self

    def kill(self):
        """As a power cut would: the postmaster and whoever it started."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)  # fast: ends sessions, writes everything
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()

    def _answers(self):
        ready = subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
        return ready.returncode == 0

    def _as_user(self):
        if not self.user:
            return {}
        return {"user": self.user[0], "group": self.user[1], "extra_groups": []}

    @staticmethod
    def _end_with_parent():
        """In the server, before it begins: no test that is killed leaves it behind."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    def _run(self, name, *words):
        done = subprocess.run([self.bin / name, *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, "HOME": str(self.folder)}, **self._as_user())
        if done.returncode != 0:
            raise SystemExit(f"{name}: {done.stderr}")


def main(words):
    if not words:
        raise SystemExit(__doc__)
    with Cluster() as cluster:
        child = subprocess.Popen(words, env={**os.environ, "SIGNALBOX_TEST_POSTGRES": cluster.url()})
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: child.send_signal(number))
        return child.wait()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # As a shell says that a signal ended the command.
    sys.exit(code if code >= 0 else 128 - code)
