"""Compare our HTTP/2 state machine with h2: no I/O, one thread, the same bytes.

Sending: a server streams messages into windows that never close. Receiving: a
client processes these bytes and returns window credit. The best of several runs
counts. Import time is that of a new interpreter with attrs loaded, as in every
process of this package.

    python bench/grpc/state_machine.py [--runs N] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from llb.grpc import metadata  # noqa: E402 - the path comes first
from llb.grpc.http2 import frames  # noqa: E402 - the path comes first
from llb.grpc.http2.connection import Connection  # noqa: E402
from llb.grpc.http2.events import DataReceived, Limits  # noqa: E402
from llb.grpc.messages import MessageReader, prefix  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

TOTAL = 2**28
SIZES = (100, 32 * 1024, 256 * 1024, 2**20)
WRITE = 512 * 1024
READ = 256 * 1024
BYTECODE = Path(tempfile.gettempdir()) / "pyllb-bench-bytecode"
REQUEST = metadata.request("/t/m", "localhost", None, ())


def open_windows() -> bytes:
    """Encode the output of a client that opens stream 1 with windows that never close."""
    client = Connection(client=True, limits=Limits(stream_window=2**30, connection_window=2**30))
    client.open_stream(REQUEST)
    client.end_stream(1)
    return b"".join(client.take_output(2**20))


def send_ours(count: int, size: int) -> tuple[float, list[bytes]]:
    """Send ``count`` messages; return the seconds and the writes."""
    server = Connection(client=False, limits=Limits())
    server.receive(open_windows())
    server.send_headers(1, metadata.RESPONSE)
    message = bytes(size)
    writes: list[bytes] = []
    begin = time.perf_counter()
    for _ in range(count):
        if server.send_data(1, prefix(message), message) >= WRITE:
            writes.append(b"".join(server.take_output(WRITE)))  # noqa: PERF401 - queueing and taking alternate
    writes.extend(b"".join(output) for output in iter(lambda: server.take_output(WRITE), []))
    return time.perf_counter() - begin, writes


def send_h2(count: int, size: int) -> tuple[float, list[bytes]]:
    """Send the same with h2, whose caller has to split data into frames."""
    config = h2.config.H2Configuration(
        client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False
    )
    server = h2.connection.H2Connection(config)
    server.initiate_connection()
    server.receive_data(open_windows())
    server.send_headers(1, metadata.RESPONSE)
    message = bytes(size)
    writes = []
    pending = bytearray()
    queued = 0
    begin = time.perf_counter()
    for _ in range(count):
        pending += prefix(message)
        pending += message
        if len(pending) < frames.DEFAULT_FRAME_SIZE:
            continue
        view = memoryview(pending)
        whole = len(pending) // frames.DEFAULT_FRAME_SIZE * frames.DEFAULT_FRAME_SIZE
        for offset in range(0, whole, frames.DEFAULT_FRAME_SIZE):
            server.send_data(1, bytes(view[offset : offset + frames.DEFAULT_FRAME_SIZE]))
        pending = bytearray(view[whole:])
        queued += whole
        if queued >= WRITE:
            writes.append(server.data_to_send())
            queued = 0
    server.send_data(1, bytes(pending))
    writes.append(server.data_to_send())
    return time.perf_counter() - begin, writes


def receive_ours(data: bytes) -> tuple[float, int]:
    """Receive ``data``; return the seconds and the number of messages."""
    client = Connection(client=True, limits=Limits())
    client.open_stream(REQUEST)
    reader = MessageReader(2**24)
    messages = 0
    begin = time.perf_counter()
    for offset in range(0, len(data), READ):
        for event in client.receive(data[offset : offset + READ]):
            if isinstance(event, DataReceived):
                reader.feed(event.data)
                client.consumed(1, len(event.data))
        reader.settle()
        messages += len(reader.take())
        client.take_output(WRITE)
    return time.perf_counter() - begin, messages


def receive_h2(data: bytes) -> tuple[float, int]:
    """Receive the same with h2 and our message reader."""
    config = h2.config.H2Configuration(
        client_side=True, validate_inbound_headers=False, normalize_inbound_headers=False
    )
    client = h2.connection.H2Connection(config)
    client.local_settings.initial_window_size = 2**23
    client.initiate_connection()
    client.increment_flow_control_window(2**26)
    client.send_headers(1, REQUEST)
    reader = MessageReader(2**24)
    messages = 0
    begin = time.perf_counter()
    for offset in range(0, len(data), READ):
        for event in client.receive_data(data[offset : offset + READ]):
            if isinstance(event, h2.events.DataReceived):
                reader.feed(memoryview(event.data))
                client.acknowledge_received_data(event.flow_controlled_length, 1)
        reader.settle()
        messages += len(reader.take())
        client.data_to_send()
    return time.perf_counter() - begin, messages


def import_seconds(name: str) -> float:
    """Measure the import of ``name`` in a new interpreter.

    Modules that every process of this package loads are excluded: the
    interpreter's own modules, attrs, and the package of ``name``.
    """
    code = (
        "import attrs, time, llb.errors; begin = time.perf_counter()\n"
        f"import {name}\nprint(time.perf_counter() - begin)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BYTECODE)},
        text=True,
    )
    return float(output.stdout)


def best(runs: int, run: Callable[..., tuple[float, object]], *arguments: object) -> float:
    """Run several times and return the minimum of the seconds."""
    return min(run(*arguments)[0] for _ in range(runs))


def measure(runs: int) -> list[dict[str, object]]:
    """Measure one row for each message size."""
    rows: list[dict[str, object]] = []
    for size in SIZES:
        count = min(TOTAL // size, 200_000)
        data = b"".join(send_ours(count, size)[1])
        h2_data = b"".join(send_h2(count, size)[1])
        seconds = {
            "send_ours": best(runs, send_ours, count, size),
            "send_h2": best(runs, send_h2, count, size),
            "receive_ours": best(runs, receive_ours, data),
            "receive_h2": best(runs, receive_h2, h2_data),
        }
        mib = count * size / 2**20
        row: dict[str, object] = {"size": size, "messages": count}
        row |= {f"{name}_mib_per_s": round(mib / duration) for name, duration in seconds.items()}
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print, and write the data if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = measure(arguments.runs)
    imports = {
        name: round(min(import_seconds(name) for _ in range(arguments.runs)) * 1000, 1)
        for name in ("hpack", "h2.connection", "llb.grpc")
    }
    print(json.dumps(imports))
    if arguments.output is not None:
        data = {
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "runs": arguments.runs,
            "import_ms": imports,
            "rows": rows,
        }
        arguments.output.write_text(json.dumps(data, indent=2) + "\n")


if __name__ == "__main__":
    main()
