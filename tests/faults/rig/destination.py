#!/usr/bin/env python3
"""A destination that misbehaves by a seeded script and remembers everything it was sent.

It speaks enough of Slack, Zendesk, helpNINJA and of a plain webhook receiver for Signalbox's actions to succeed. What
it does with a request depends on the seed, the request and how often that request came before, and on nothing else.
Every request stands in the log, in order of arrival, before it is answered.
"""
import argparse
import asyncio
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request
import zlib
from collections import Counter
from pathlib import Path

# What may go wrong with a request, by weight. `done_` means that the effect happened all the same.
TROUBLES = {
    "error_500": 5, "error_503": 4, "reset_before": 4, "done_reset": 4, "garbage": 3, "half_answer": 1,
    "slack_refuses": 3, "hang": 1, "done_late": 1, "rate_limited": 1,
}
# These cost a second each, of one slot or of the whole connection: there is an end to them.
DEAR = {"hang": 24, "done_late": 24, "rate_limited": 5}
CALM_AFTER = 4  # attempts; whoever comes as often as that is served
LATE_SECONDS = 1.6  # longer than the second that the test's connections wait
FSYNC_SECONDS = 0.25


def reset_on_close(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Log:
    """Appends a line before the answer goes out; the disk hears of it four times a second.

    What is written survives the death of any process here; only a power cut could take the last quarter second, and
    that would end the test as well.
    """

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.synced = time.monotonic()

    def write(self, record):
        os.write(self.file, json.dumps(record, separators=(",", ":")).encode() + b"\n")
        if time.monotonic() - self.synced > FSYNC_SECONDS:
            os.fsync(self.file)
            self.synced = time.monotonic()


class Destination:
    def __init__(self, log, seed, trouble):
        self.log = Log(log)
        self.seed = seed
        self.trouble = trouble
        self.delay = 0.0
        self.status = 0  # what everybody is answered; 0 = what the script says
        self.hang = ""  # whose path begins like this is not answered at all
        self.attempts = Counter()
        self.dear = Counter()
        self.requests = 0
        self.connections = 0
        self.effects = set()

    async def serve(self):
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, backlog=512)
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        async with server:
            await server.serve_forever()

    async def talk(self, reader, writer):
        self.connections += 1
        number = self.connections
        try:
            while await self.answer_one(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def answer_one(self, reader, writer, connection):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if path == "/control":
            return self.control(writer, body)
        key = headers.get("idempotency-key")
        what = self.choose(method, path, key, body)
        self.note(connection, method, path, key, body, what)
        if self.delay:
            await asyncio.sleep(self.delay)
        return await self.act(what, writer, path, key or "", body)

    def control(self, writer, body):
        """What the test tells us, such as `{"trouble": 0.1, "delay": 0.2, "status": 422}`; answers with counts."""
        wanted = json.loads(body or b"{}")
        self.trouble = wanted.get("trouble", self.trouble)
        self.delay = wanted.get("delay", self.delay)
        self.status = wanted.get("status", self.status)
        self.hang = wanted.get("hang", self.hang)
        counts = {"requests": self.requests, "effects": len(self.effects), "connections": self.connections}
        self.send(writer, 200, json.dumps(counts))
        return True

    def choose(self, method, path, key, body):
        if self.status:
            return f"status_{self.status}"
        if self.hang and path.startswith(self.hang):
            return "hang"
        identity = key or hashlib.sha256(f"{method} {path} ".encode() + body).hexdigest()
        self.attempts[identity] += 1
        attempt = self.attempts[identity]
        digest = hashlib.sha256(f"{self.seed}/{identity}/{attempt}".encode()).digest()
        if attempt > CALM_AFTER or int.from_bytes(digest[:4], "big") / 2**32 >= self.trouble:
            return "done"
        kinds = [kind for kind, weight in TROUBLES.items() for _ in range(weight)]
        kind = kinds[int.from_bytes(digest[4:8], "big") % len(kinds)]
        self.dear[kind] += 1
        if self.dear[kind] > DEAR.get(kind, sys.maxsize) or (kind == "slack_refuses" and "chat.post" not in path):
            return "error_500"
        # Where no result is read from the answer, 200 with whatever body is a yes.
        reads_nothing = path == "/crm" or (method == "PUT" and path.startswith("/helpninja/"))
        return "done_garbage" if kind == "garbage" and reads_nothing else kind

    def note(self, connection, method, path, key, body, what):
        self.requests += 1
        done = what.startswith("done")
        if done:
            self.effects.add(key or (path, body))
        try:
            content = json.loads(body)
        except ValueError:
            content = body.decode("latin-1")
        self.log.write({"n": self.requests, "t": time.monotonic(), "connection": connection, "method": method,
                        "path": path, "key": key, "what": what, "effect": done, "body": content})

    async def act(self, what, writer, path, key, body):
        if what in ("reset_before", "done_reset"):
            return self.reset(writer)
        if what in ("hang", "done_late"):
            await asyncio.sleep(LATE_SECONDS)
            if what == "hang":
                return self.reset(writer)
        if what.startswith("status_"):
            self.send(writer, int(what[7:]), '{"error":"as told"}')
        elif what == "error_500":
            self.send(writer, 500, '{"error":"it broke"}')
        elif what == "error_503":
            self.send(writer, 503, "<html>down</html>", "text/html")
        elif what == "rate_limited":
            self.send(writer, 429, '{"ok":false,"error":"ratelimited"}', retry_after=1)
        elif what == "slack_refuses":
            self.send(writer, 200, '{"ok":false,"error":"rate_limited"}')
        elif what in ("garbage", "done_garbage"):
            self.send(writer, 200, "<html>\xff\xfe sign in", "text/html")
        elif what == "half_answer":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"ok\":")
            await writer.drain()
            return False
        else:
            self.send(writer, 200, json.dumps(self.result(path, key, body)))
        await writer.drain()
        return True

    def result(self, path, key, body):
        number = zlib.crc32(key.encode() or body)  # the same request has the same result
        if path.endswith("/chat.postMessage"):
            return {"ok": True, "channel": "C1", "ts": f"{number}.000100"}
        if "/api/v2/tickets" in path:
            return {"ticket": {"id": number, "status": "open"}}
        return {"id": str(number), "message_id": f"msg_{number}"}

    @staticmethod
    def reset(writer):
        """Ends the connection so that the other side sees a reset, not an orderly end."""
        reset_on_close(writer)
        writer.transport.abort()
        return False

    @staticmethod
    def send(writer, status, body, content_type="application/json", retry_after=None):
        content = body.encode("latin-1")
        extra = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
        writer.write(f"HTTP/1.1 {status} Answer\r\nContent-Type: {content_type}\r\n{extra}"
                     f"Content-Length: {len(content)}\r\n\r\n".encode() + content)


class RunningDestination:
    """The destination as a process of its own, so that it outlives the daemons it is called by."""

    def __init__(self, log, seed, trouble):
        self.log = Path(log)
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--log", str(log), "--seed", str(seed), "--trouble", str(trouble)],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError("the destination did not start")
        self.port = int(line.split()[-1])
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, **wanted):
        request = urllib.request.Request(self.url + "/control", json.dumps(wanted).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True, help="where every request is written down, one JSON line each")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--trouble", type=float, default=0.15, help="share of the requests that go wrong")
    arguments = parser.parse_args()
    asyncio.run(Destination(arguments.log, arguments.seed, arguments.trouble).serve())


if __name__ == "__main__":
    main()
