"""Measure what a process keeps of many builds: memory, threads and open descriptors.

Run it as ``python -m bench.session.endurance [SEQUENTIAL [PARALLEL [EVENTS]]]``, by default for 10,000
builds one after another, 200 at once, and 3,000,000 events of one build, which are eight hours with a
hundred events a second. It needs a BuildKit in BUILDKIT_HOST. Each line of the output is JSON.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from llb import Local, Scratch, State
from llb.client import Client, VertexLog, tar
from llb.testing import FakeBuild, FakeDaemon

SEQUENTIAL, PARALLEL, EVENTS = 10_000, 200, 3_000_000
_BATCH = 1000
_SAMPLES = 10


def report(work: str, done: int) -> None:
    """Write what the process uses now."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    usage = {
        "work": work,
        "done": done,
        "mib": round(int(status["VmRSS"].split()[0]) / 1024, 1),
        "threads": int(status["Threads"]),
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
    }
    print(json.dumps(usage), flush=True)


def tree(number: int) -> State:
    """Build a tree that needs the context of the client, and differs from those before."""
    return Scratch().copy(Local("context"), "/").mkfile("/number", str(number))


def build(client: Client, folder: Path, number: int) -> None:
    """Build and export a tree."""
    exports = [tar(folder / f"{number % PARALLEL}.tar")]
    client.solve(tree(number), local_dirs={"context": folder / "context"}, exports=exports)


def build_in_sequence(client: Client, folder: Path, count: int) -> None:
    """Build one tree after another."""
    for number in range(count):
        build(client, folder, number)
        if (number + 1) % max(count // _SAMPLES, 1) == 0:
            report("builds one after another", number + 1)


def build_at_once(client: Client, folder: Path, count: int) -> None:
    """Build many trees at the same time, twice."""
    for done in (1, 2):
        with ThreadPoolExecutor(count) as pool:
            for future in [pool.submit(build, client, folder, n) for n in range(count)]:
                future.result()
        report("builds at once", done * count)


def serve_events(count: int) -> None:
    """Serve builds whose progress has many events, until standard input ends."""

    def script(build: FakeBuild) -> None:
        now = datetime.now(UTC)
        for number in range(0, count, _BATCH):
            lines = range(number, min(number + _BATCH, count))
            build.show(*(VertexLog("sha256:a", 1, b"line %d\n" % line, now) for line in lines))

    with FakeDaemon(script=script) as daemon:
        print(daemon.address, flush=True)
        sys.stdin.read()


def follow_events(count: int) -> None:
    """Follow one build with many events."""
    command = [sys.executable, "-m", __spec__.name, "--events", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        assert peer.stdout is not None
        seen = 0

        def count_event(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen % max(count // _SAMPLES, 1) == 0:
                report("events of one build", seen)

        address = peer.stdout.readline().strip()
        assert address, "the fake daemon did not start"
        with Client(address) as client:
            client.solve(Scratch().mkfile("/a", "b"), on_event=count_event)
        assert peer.stdin is not None
        peer.stdin.close()


def main(sequential: int = SEQUENTIAL, parallel: int = PARALLEL, events: int = EVENTS) -> None:
    """Measure all three."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, Client() as client:
        folder = Path(name)
        (folder / "context").mkdir()
        (folder / "context" / "file").write_text("content")
        build_in_sequence(client, folder, sequential)
        build_at_once(client, folder, parallel)
    follow_events(events)
    print(json.dumps({"seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--events"]:
        serve_events(int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
