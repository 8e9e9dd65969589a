#!/usr/bin/env python3
"""Ten thousand signed webhooks and CloudEvents through the front door, with everything that goes wrong in between.

The destination answers 500, 429, garbage or nothing at times; senders repeat, forge, mumble and hang up. The daemon is
stopped under load and started again; then one vendor hangs; then there is more to deliver than it may keep. At the end
the judge counts.
"""
import argparse
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from rig import tenant  # noqa: E402
from rig.bench import Bench, scaled  # noqa: E402
from rig.daemon import exit_code_of, expect, wait_until  # noqa: E402
from rig.load import storm  # noqa: E402

REQUESTS = 10_000
REQUESTS_UNDER_PRESSURE = 80
OUTBOX_ROWS_MAX = 4
REQUESTS_WHILE_ONE_HANGS = 300
SENDERS = 32
STORM_SENDERS = 50
STORM_TIMES = 20
DELIVERIES_PER_REQUEST = 7  # at most: a batch of three records, two actions each, and what they emit
SLOW_ANSWER_SECONDS = 0.2  # of the destination; far from the second that a connection waits
STOP_SECONDS_MAX = 40


def wait_for_answers(load, count):
    wait_until(lambda: load.counts["answered"] >= count or not load.alive(), lambda: f"only {dict(load.counts)}", 180)


def replay_storm(bench):
    """The same webhook a thousand times, fifty at a time: one event, one answer."""
    answers = storm(bench.work / "load.jsonl", bench.daemon.address, bench.key, STORM_SENDERS, scaled(STORM_TIMES))
    expect(len(answers) == 1, f"one and the same request was answered {dict(answers)}")
    ((status, _), count), = answers.items()
    expect(status == 200, f"it was answered {status}")
    print(f"one webhook came {count} times")


def stop_under_load(bench, load):
    """SIGTERM while requests and deliveries are in flight; what was promised goes on after the next start."""
    wait_for_answers(load, scaled(REQUESTS) * 4 // 10)
    bench.destination.control(delay=SLOW_ANSWER_SECONDS)
    wait_until(lambda: bench.daemon.gauges()["signalbox_outbox_depth"] >= 50, "nothing piles up")
    before = load.counts["answered"]
    began = time.monotonic()
    code = bench.daemon.stop()
    seconds = time.monotonic() - began
    bench.away()
    expect(code == 0, f"SIGTERM ended the daemon with {code}")
    expect(seconds < STOP_SECONDS_MAX, f"the daemon took {seconds:.1f} s to stop")
    ready = bench.start()
    waiting = bench.daemon.gauges()["signalbox_outbox_depth"]
    expect(waiting > 0, "no delivery outlived the stop")
    bench.destination.control(delay=0)
    print(f"stopped in {seconds:.2f} s with {load.counts['answered'] - before} answers on the way;"
          f" ready again in {ready * 1000:.0f} ms with {waiting:.0f} deliveries waiting")


def one_hangs(bench):
    """A destination that never answers costs the others nothing; its deliveries wait behind a breaker."""
    bench.start()
    bench.destination.control(hang="/slack")
    load = bench.load(REQUESTS_WHILE_ONE_HANGS, prefix="H", workers=SENDERS)
    wait_until(lambda: bench.daemon.gauges()["signalbox_breakers_open"] == 1, "no breaker opens")
    load.join()
    others = lambda: bench.daemon.work_left(but_not_for="slack")
    wait_until(lambda: others() == (0, 0), lambda: f"others wait as well: {others()}")
    waiting = bench.daemon.work_left()[1]
    expect(waiting > 0, "nothing waits for the one that hangs")
    bench.destination.control(hang="")
    expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
    bench.away()
    bench.start()
    bench.daemon.wait_until_idle()
    expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
    bench.away()
    print(f"{waiting} deliveries waited for the one that hung, none for others")


def hold_back(bench):
    """More to deliver than it may keep: it says 503 and Retry-After, and takes all of it in the end."""
    bench.start("--outbox-rows-max", str(OUTBOX_ROWS_MAX))
    bench.destination.control(delay=SLOW_ANSWER_SECONDS)
    load = bench.load(REQUESTS_UNDER_PRESSURE, prefix="P", workers=SENDERS)
    refused = lambda: load.counts["answered 503"] >= 10 or not load.alive()
    wait_until(refused, lambda: f"it takes whatever comes: {dict(load.counts)}")
    depth = bench.daemon.gauges()["signalbox_outbox_depth"]
    bench.destination.control(delay=0)
    load.join()
    expect(load.counts["answered 503"] >= 10, f"it took whatever came: {dict(load.counts)}")
    # Those who asked at the same moment may still come in together.
    expect(depth < OUTBOX_ROWS_MAX + SENDERS * DELIVERIES_PER_REQUEST, f"{depth:.0f} deliveries wait")
    print(f"{load.counts['answered 503']} requests were told to come later, {depth:.0f} deliveries waited")


def explain_some(bench):
    """Decisions of every kind can be decided again from the journal, beside the running daemon."""
    status, _, page = bench.daemon.call("GET", f"/v1/{tenant.NAME}/journal", key=bench.key)
    expect(status == 200, f"the journal was answered {status}: {page}")
    explained = 0
    for stream in [one["stream"] for one in page["streams"] if one["stream"].startswith("p")][:4]:
        path = f"/v1/{tenant.NAME}/journal?stream={stream}&limit=40"
        records = bench.daemon.call("GET", path, key=bench.key)[2]["records"]
        for event in [one["body"] for one in records if one["kind"] == "event"][-3:]:
            answer = bench.daemon.records("explain", event["id"])[0]
            expect(answer["reproduced"] is True, f"{event['id']} would be decided otherwise today: {answer}")
            explained += 1
    expect(explained >= 6, f"only {explained} decisions were explained")
    print(f"{explained} decisions were decided again from the journal, with the same outcome")


def run(arguments):
    began = time.monotonic()
    with Bench(arguments.signalbox, arguments.work, arguments.seed) as bench:
        bench.start()
        replay_storm(bench)
        load = bench.load(scaled(REQUESTS), workers=SENDERS)
        stop_under_load(bench, load)
        load.join()
        seconds = time.monotonic() - began
        print(f"{load.counts['answered']} requests answered in {seconds:.1f} s; {dict(load.counts)}")
        explain_some(bench)
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        bench.away()
        one_hangs(bench)
        hold_back(bench)
        bench.daemon.wait_until_idle()
        expect(bench.daemon.stop() == 0, "the daemon did not stop as it should")
        counts = bench.verdict()["counts"]
    for name in ("duplicates_recognised", "clashes", "stale", "forged_refused", "garbage_refused", "troubles",
                 "repeats_with_the_same_key", "deliveries"):
        expect(counts[name] > 0, f"nothing was tried of {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signalbox", default="build/release/bin/signalbox", help="the program under test")
    parser.add_argument("--work", default="build/e2e-live", help="folder for store and logs, made afresh")
    parser.add_argument("--seed", default="1", help="repeats the senders' stories and the destination's moods")
    arguments = parser.parse_args()
    return exit_code_of(run, arguments)


if __name__ == "__main__":
    sys.exit(main())
