"""A client over a channel of grpcio, whose interceptors see its calls."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from llb import Image, Local, Scratch
from llb._pb import control_pb2
from llb.client import TLS, Client, local
from llb.errors import CancelledError, ConnectError, InvalidValueError, SolveError
from llb.gateway import Result
from llb.grpcio import CHANNEL_OPTIONS
from llb.testing import FakeDaemon
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.gateway import Gateway, Request
    from llb.testing import FakeBuild

CONTROL = "/moby.buildkit.v1.Control/"
BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge/"


class Seeing(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """An interceptor that records calls by their kind, and the unary requests."""

    def __init__(self) -> None:
        self.calls: set[tuple[str, str]] = set()
        self.requests: dict[str, Any] = {}

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.calls.add(("unary_unary", details.method))
        self.requests[details.method] = request
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        self.calls.add(("unary_stream", details.method))
        self.requests[details.method] = request
        return continuation(details, request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        self.calls.add(("stream_stream", details.method))
        return continuation(details, requests)


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    with FakeDaemon() as daemon:
        yield daemon


@pytest.fixture
def channel(daemon: FakeDaemon) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel:
        yield channel


def test_a_build_makes_all_its_calls_over_the_channel(channel: grpc.Channel) -> None:
    seeing = Seeing()
    with Client(channel=grpc.intercept_channel(channel, seeing)) as client:
        assert client.address == "grpc.Channel"
        result = client.solve(Scratch().mkfile("/a", "x"))
    assert seeing.calls == {
        ("unary_unary", CONTROL + "Info"),
        ("unary_unary", CONTROL + "Solve"),
        ("unary_stream", CONTROL + "Status"),
        ("stream_stream", CONTROL + "Session"),
    }
    request = seeing.requests[CONTROL + "Solve"]
    assert isinstance(request, control_pb2.SolveRequest)
    assert request.Ref == result.ref


def test_a_function_builds_over_the_channel(channel: grpc.Channel) -> None:
    def build(_: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(Scratch().mkfile("/a", "x").marshal()))

    seeing = Seeing()
    with Client(channel=grpc.intercept_channel(channel, seeing)) as client:
        client.build(build)
    methods = {method for kind, method in seeing.calls if method.startswith(BRIDGE)}
    assert methods == {BRIDGE + name for name in ("Ping", "Solve", "Return")}


def test_the_session_serves_directories_and_receives_files(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    content = bytes(range(256)) * 10_000
    (tmp_path / "context" / "large").write_bytes(content)

    def script(build: FakeBuild) -> None:
        build.session.send_tree(build.session.files("context"))

    with (
        FakeDaemon(script=script) as daemon,
        grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel,
        Client(channel=channel) as client,
    ):
        client.solve(
            Scratch().copy(Local("context"), "/"),
            local_dirs={"context": tmp_path / "context"},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "large").read_bytes() == content


def test_a_failed_build_has_its_error() -> None:
    def script(build: FakeBuild) -> None:
        raise build.failure("run false", 3, log="no\n")

    with (
        FakeDaemon(script=script) as daemon,
        grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel,
        Client(channel=channel) as client,
        pytest.raises(SolveError) as caught,
    ):
        client.solve(Image("busybox").run("false"))
    assert (caught.value.exit_code, caught.value.log) == (3, ("no",))
    assert caught.value.span is not None


def test_a_timeout_ends_a_build_and_spares_the_channel() -> None:
    ended = threading.Event()

    def script(_: FakeBuild) -> None:
        ended.wait(SECONDS)

    with (
        FakeDaemon(script=script) as daemon,
        grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel,
        Client(channel=channel) as client,
    ):
        with pytest.raises(CancelledError, match="the deadline passed"):
            client.solve(Scratch().mkfile("/a", "x"), timeout=0.2)
        ended.set()
        client.ping(timeout=SECONDS)


def test_a_cancelled_build_ends_its_calls_and_no_others() -> None:
    is_reached, may_go_on = threading.Event(), threading.Event()

    def wait(_: FakeBuild) -> None:
        is_reached.set()
        assert may_go_on.wait(SECONDS)

    is_called, is_cancelled = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def function(_: Request, gateway: Gateway) -> Result:
        is_called.set()
        assert is_cancelled.wait(SECONDS)
        with pytest.raises(CancelledError, match="call was cancelled") as caught:
            gateway.solve(Scratch().mkfile("/a", "x").marshal())
        errors.append(caught.value)
        return Result()

    with (
        FakeDaemon(script=wait) as daemon,
        grpc.insecure_channel(daemon.address, options=CHANNEL_OPTIONS) as channel,
        Client(channel=channel) as client,
    ):
        other = client.start(Scratch().mkfile("/a", "x"))
        assert is_reached.wait(SECONDS)
        build = client.start(function=function)
        assert is_called.wait(SECONDS)
        build.cancel()
        is_cancelled.set()
        with pytest.raises(CancelledError, match="the build was cancelled"):
            build.result()
        wait_until(lambda: len(errors) == 1)
        may_go_on.set()
        assert other.result().ref == other.ref


def test_an_exception_of_an_interceptor_is_that_of_the_build(channel: grpc.Channel) -> None:
    class NoTokenError(Exception):
        pass

    class Refusing(grpc.StreamStreamClientInterceptor):
        def intercept_stream_stream(self, *_: Any) -> Any:
            raise NoTokenError("no token")

    with (
        Client(channel=grpc.intercept_channel(channel, Refusing())) as client,
        pytest.raises(NoTokenError, match="no token"),
    ):
        client.solve(Scratch().mkfile("/a", "x"))


def test_a_client_does_not_close_its_channel(channel: grpc.Channel) -> None:
    for _ in range(2):
        with Client(channel=channel) as client:
            client.info()


def test_a_client_over_a_channel_opens_no_other_connection(channel: grpc.Channel) -> None:
    with (
        Client(channel=channel) as client,
        pytest.raises(ConnectError, match=r"a grpc\.Channel makes calls, but opens no connections"),
    ):
        client.dial()


def test_a_channel_without_a_daemon_is_an_error(tmp_path: Path) -> None:
    with grpc.insecure_channel(f"unix:{tmp_path}/nobody") as channel:
        with pytest.raises(ConnectError) as caught:
            Client(channel=channel)
        assert caught.value.message.startswith("no BuildKit answers at grpc.Channel: ")
        assert caught.value.hint == (
            "check the target and the credentials of the channel, and whether the daemon runs"
        )


def test_a_daemon_that_ends_is_a_lost_connection(daemon: FakeDaemon, channel: grpc.Channel) -> None:
    with Client(channel=channel) as client:
        daemon.close()
        with pytest.raises(ConnectError, match=r"^no BuildKit answers at grpc\.Channel: "):
            client.ping(timeout=SECONDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"addr": "unix:///a"}, "Client() takes addr or channel, not both"),
        ({"tls": TLS()}, "Client() takes tls or channel, not both"),
    ],
)
def test_a_channel_replaces_address_and_certificates(
    channel: grpc.Channel, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Client(channel=channel, **options)
    assert caught.value.message == message


def test_other_values_than_a_channel_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"invalid channel 'x': expected a grpc\.Channel"):
        Client(channel="x")  # type: ignore[arg-type]

    async def use_aio() -> None:
        async with grpc.aio.insecure_channel("localhost:1") as channel:
            Client(channel=channel)  # type: ignore[arg-type]

    with pytest.raises(InvalidValueError, match=r"not one of grpc\.aio"):
        asyncio.run(use_aio())


def test_a_client_without_grpcio_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['grpc'] = None; from llb.client import Client; Client(channel=1)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.stderr.splitlines()[-1] == (
        "ImportError: llb.grpcio needs grpcio: install it with pip install 'pyllb[grpc]'"
    )


def test_a_client_in_a_forked_process_says_so_at_once(daemon: FakeDaemon) -> None:
    code = f"""
import os, sys, grpc
from llb import Scratch
from llb.client import Client, LLBError

def attempt(function, *arguments):
    try:
        function(*arguments)
    except LLBError as error:
        print(error, flush=True)

channel = grpc.insecure_channel({daemon.address!r})
client = Client(channel=channel)
client.solve(Scratch().mkfile("/a", "x"))
child = os.fork()
if not child:
    attempt(client.info)
    attempt(client.solve, Scratch().mkfile("/a", "x"))
    client.close()
    os._exit(0)
os.waitpid(child, 0)
print(client.info().package, flush=True)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS
    )
    reason = "it was used before fork() (create the channel and the client in the child process)"
    assert process.stdout.splitlines() == [
        f"no BuildKit answers at grpc.Channel: {reason}",
        f"no BuildKit answers at grpc.Channel: {reason}",
        "github.com/moby/buildkit",
    ]


def test_a_client_with_an_address_loads_no_grpcio(daemon: FakeDaemon) -> None:
    code = (
        "import sys; from llb import Scratch; from llb.client import Client\n"
        f"with Client({daemon.address!r}) as client: client.solve(Scratch().mkfile('/a', 'x'))\n"
        "print('grpc' in sys.modules, 'llb.grpcio' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "False False\n"
