"""Compare the message throughput of our gRPC with grpc-go.

Every run connects two processes by two OS pipes, with grpc-go at one end and
this package or grpc-go at the other end. The runs alternate between the two,
and the best of several counts.

    python bench/grpc/throughput.py [--runs N] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from llb.grpc import Channel, Server, ServerCall, stdio_pipe  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from collections.abc import Iterator

PEER = ROOT / "tests" / "conformance" / "grpc" / "peer"
# Number and size of the messages; all but the last add up to 1 GiB.
LOADS = ((32768, 32 * 1024), (4096, 256 * 1024), (1024, 2**20), (200_000, 100))


def produce(call: ServerCall) -> None:
    """Send the requested number of messages."""
    count, size = map(int, (call.receive() or b"").split())
    message = bytes(size)
    for _ in range(count):
        call.send(message)


def collect(call: ServerCall) -> None:
    """Receive all messages, and answer with their number and size."""
    count = size = 0
    while (message := call.receive()) is not None:
        count += 1
        size += len(message)
    call.send(b"%d %d" % (count, size))


HANDLERS = {"/tunnel.Test/Produce": produce, "/tunnel.Test/Collect": collect}


@contextmanager
def crossed_pipes() -> Iterator[tuple[int, int, int, int]]:
    """Yield the descriptors of two pipes: read and write here, read and write there."""
    read_here, write_there = os.pipe()
    read_there, write_here = os.pipe()
    yield read_here, write_here, read_there, write_there


def start(binary: Path, arguments: list[str], read_fd: int, write_fd: int) -> subprocess.Popen:
    """Start the Go peer on these descriptors, and close them in this process."""
    process = subprocess.Popen(
        [binary, *arguments], stdin=read_fd, stdout=write_fd, stderr=subprocess.PIPE
    )
    os.close(read_fd)
    os.close(write_fd)
    return process


def report(process: subprocess.Popen) -> float:
    """Read the seconds that a client peer reports."""
    seconds = json.loads(process.stderr.read())["seconds"]
    process.wait()
    return seconds


def our_server(binary: Path, scenario: str, count: int, size: int) -> float:
    """Run a scenario of the grpc-go client with our server, and return its seconds."""
    with crossed_pipes() as (read_here, write_here, read_there, write_there):
        client = start(binary, ["call", scenario, str(count), str(size)], read_there, write_there)
        server = Server(stdio_pipe(read_here, write_here), HANDLERS)
        thread = threading.Thread(target=server.serve)
        thread.start()
        seconds = report(client)
        server.close()
        thread.join()
    return seconds


def go_server(binary: Path, scenario: str, count: int, size: int) -> float:
    """Run a scenario of the grpc-go client with net/http2, and return its seconds."""
    with crossed_pipes() as (read_here, write_here, read_there, write_there):
        server = start(binary, ["serve", "handler"], read_here, write_here)
        client = start(binary, ["call", scenario, str(count), str(size)], read_there, write_there)
        seconds = report(client)
        server.wait()
    return seconds


def our_client(binary: Path, _scenario: str, count: int, size: int) -> float:
    """Receive from net/http2 with our channel, and return the seconds."""
    with crossed_pipes() as (read_here, write_here, read_there, write_there):
        server = start(binary, ["serve", "handler"], read_there, write_there)
        channel = Channel(stdio_pipe(read_here, write_here))
        begin = time.perf_counter()
        call = channel.stream("/tunnel.Test/Produce")
        call.send(b"%d %d" % (count, size))
        call.close_send()
        while call.receive() is not None:
            pass
        seconds = time.perf_counter() - begin
        channel.close()
        server.wait()
    return seconds


# The name, the function with our package, and the scenario of the Go counterpart.
RACES = (
    ("our server sends, grpc-go client receives", our_server, "produce"),
    ("grpc-go client sends, our server receives", our_server, "collect"),
    ("net/http2 server sends, our channel receives", our_client, "produce"),
)


def measure(binary: Path, runs: int) -> list[dict[str, object]]:
    """Measure one row for each load and race."""
    rows: list[dict[str, object]] = []
    for count, size in LOADS:
        for name, ours, scenario in RACES:
            mine, theirs = [], []
            for _ in range(runs):
                mine.append(ours(binary, scenario, count, size))
                theirs.append(go_server(binary, scenario, count, size))
            row = {
                "race": name,
                "messages": count,
                "size": size,
                "seconds": round(min(mine), 3),
                "go_seconds": round(min(theirs), 3),
                "ratio": round(min(mine) / min(theirs), 2),
            }
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def main() -> None:
    """Build the peer, measure, print, and write the data if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "peer"
        subprocess.run(["go", "build", "-o", binary, "."], cwd=PEER, check=True)
        rows = measure(binary, arguments.runs)
    if arguments.output is not None:
        data = {
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "runs": arguments.runs,
            "rows": rows,
        }
        arguments.output.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    main()
