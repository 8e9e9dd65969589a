"""Where the daemon under test keeps its journal: a SQLite file, or a PostgreSQL server of the test's own."""
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from postgres import Cluster  # noqa: E402


class SqliteFile:
    name = "sqlite"

    def __init__(self, work):
        self.path = f"{Path(work).resolve()}/store.db"
        self.url = f"sqlite:///{self.path}"
        self.environment = {}

    def waiting(self):
        """How many events and timers wait, and the deliveries that do, as texts."""
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)
        try:
            deliveries = [row[0] for row in database.execute("SELECT body FROM outbox")]
            events = "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM timers)"
            return database.execute(events).fetchone()[0], deliveries
        finally:
            database.close()

    def remove(self):
        pass


class PostgresServer:
    """Its superuser asks: row level security is not for it."""
    name = "postgresql"

    def __init__(self, settings=()):
        self.cluster = Cluster(settings)
        self.url = self.cluster.url()
        # Those of another server, in the working folder, would not fit this one.
        self.environment = {"SIGNALBOX_CHECKPOINTS": f"{self.cluster.folder}/checkpoints"}
        self.cluster.start()

    def ask(self, statement):
        done = subprocess.run([self.cluster.bin / "psql", self.url, "-XqtA", "-v", "ON_ERROR_STOP=1", "-c", statement],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise OSError(done.stderr)
        return done.stdout.splitlines()

    def waiting(self):
        events = "SELECT (SELECT count(*) FROM signalbox.pending) + (SELECT count(*) FROM signalbox.timers)"
        return int(self.ask(events)[0]), self.ask("SELECT body FROM signalbox.outbox")

    def remove(self):
        self.cluster.remove()


def store_of(name, work):
    return PostgresServer() if name == PostgresServer.name else SqliteFile(work)
