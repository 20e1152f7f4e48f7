"""Build the Go peer once, and start it per test with pipes for its stdin and stdout."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb.errors import CancelledError, RemoteError
from llb.grpc import Channel, Server, ServerCall, stdio_pipe
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb.grpc import Handler, Pipe

SOURCE = Path(__file__).parent / "peer"


@pytest.fixture(scope="session")
def peer_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled peer."""
    binary = tmp_path_factory.mktemp("tunnel-peer") / "peer"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    subprocess.run(["go", "build", "-o", binary, "."], cwd=SOURCE, check=True, env=environment)
    return binary


@contextmanager
def run_peer(binary: Path, *arguments: str) -> Iterator[tuple[Pipe, subprocess.Popen[bytes]]]:
    """Start the peer and yield a pipe to it; the peer has ended on exit."""
    process = subprocess.Popen(
        [binary, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pipe = stdio_pipe(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdin.close()
    process.stdout.close()
    try:
        yield pipe, process
    finally:
        pipe.close()
        process.wait(SECONDS)
        if process.stderr is not None:
            process.stderr.close()


@pytest.fixture
def go_channel(peer_binary: Path) -> Iterator[Callable[[str], Channel]]:
    """A function that starts a Go server of the given kind and returns a channel to it."""
    with ExitStack() as stack:

        def start(kind: str) -> Channel:
            pipe, _ = stack.enter_context(run_peer(peer_binary, "serve", kind))
            channel = Channel(pipe)
            stack.callback(channel.close)
            return channel

        yield start


@pytest.fixture
def go_call(peer_binary: Path) -> Callable[..., dict[str, Any]]:
    """A function that runs a scenario of the Go client against our server."""

    def run(*arguments: str) -> dict[str, Any]:
        _cancelled.clear()
        _report_read.clear()
        with run_peer(peer_binary, "call", *arguments) as (pipe, process):
            server = Server(pipe, HANDLERS)
            thread = threading.Thread(target=server.serve)
            thread.start()
            assert process.stderr is not None
            report = process.stderr.read()
            _report_read.set()
            thread.join(SECONDS)
            assert not thread.is_alive()
        result: dict[str, Any] = json.loads(report)
        del result["seconds"]
        return result

    return run


# Whether a conversation was cancelled, and whether the report of the Go client was read.
_cancelled, _report_read = threading.Event(), threading.Event()


def _chat(call: ServerCall) -> None:
    try:
        while (message := call.receive()) is not None:
            call.send(message)
    except CancelledError:
        _cancelled.set()
        raise


def _collect(call: ServerCall) -> None:
    count = size = 0
    while (message := call.receive()) is not None:
        count += 1
        size += len(message)
    call.send(b"%d %d" % (count, size))


def _produce(call: ServerCall) -> None:
    count, size = map(int, (call.receive() or b"").split())
    message = bytes(size)
    for _ in range(count):
        call.send(message)


def _fail(call: ServerCall) -> None:
    failure = json.loads(call.receive() or b"")
    details = tuple(any_of(detail) for detail in failure["details"])
    raise RemoteError(failure["message"], code=failure["code"], details=details)


def _sleep(call: ServerCall) -> None:
    request = call.receive() or b""
    _report_read.wait(int(request) / 1000)
    call.send(request)


def _metadata(call: ServerCall) -> None:
    call.receive()
    selected = {name: call.metadata[name] for name in ("dir-name", "patterns", "blob-bin")}
    call.send(json.dumps(selected).encode())


def _was_cancelled(call: ServerCall) -> None:
    call.send(b"yes" if _cancelled.wait(SECONDS) else b"no")


def any_of(value: str) -> bytes:
    """Serialize a google.protobuf.Any of the type that the peer uses."""
    return b"\x0a\x09test/text\x12" + bytes([len(value)]) + value.encode()


HANDLERS: Mapping[str, Handler] = {
    "/tunnel.Test/Echo": _chat,
    "/tunnel.Test/Chat": _chat,
    "/tunnel.Test/Collect": _collect,
    "/tunnel.Test/Produce": _produce,
    "/tunnel.Test/Fail": _fail,
    "/tunnel.Test/Sleep": _sleep,
    "/tunnel.Test/Metadata": _metadata,
    "/tunnel.Test/Cancelled": _was_cancelled,
}
