"""Calls end as they should whatever interceptors of the channel do."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from llb._pb import control_pb2 as pb
from llb.client.connect.control import CONTROL
from llb.errors import CancelledError, RemoteError
from llb.grpc import Code
from llb.grpc.endings import DeadlineError
from llb.grpcio.channel import GrpcioChannel
from tests.fakes.grpcio_peers import Listener
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.grpc import ServerCall
    from tests.fakes.grpcio_peers import GrpcioServer

    Connect = Callable[..., GrpcioChannel]

INFO = CONTROL + "Info"
ANSWER = pb.InfoResponse(buildkitVersion={"version": "v1"}).SerializeToString()


def info(call: ServerCall) -> None:
    call.receive()
    call.send(ANSWER)


class Unary(grpc.UnaryUnaryClientInterceptor):
    """An interceptor of unary calls that does as a function does."""

    def __init__(self, intercept: Callable[..., Any]) -> None:
        self._intercept = intercept

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._intercept(continuation, details, request)


class Stream(grpc.StreamStreamClientInterceptor):
    """An interceptor of streams that does as a function does."""

    def __init__(self, intercept: Callable[..., Any]) -> None:
        self._intercept = intercept

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return self._intercept(continuation, details, requests)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[[Any], GrpcioChannel]]:
    """A function that intercepts the calls to a daemon which answers Info."""
    listener = Listener(tmp_path / "daemon.sock", {INFO: info})
    with grpc.insecure_channel(listener.address) as plain:
        yield lambda interceptor: GrpcioChannel(grpc.intercept_channel(plain, interceptor))
    listener.close()


class CustomError(Exception):
    """An error of an interceptor."""


class CustomRpcError(grpc.RpcError):
    """An error of an interceptor that has no status."""


@pytest.mark.parametrize("error", [CustomError("no token"), CustomRpcError("no token")])
def test_an_exception_of_an_interceptor_is_that_of_the_call(
    daemon: Callable[[Any], GrpcioChannel], error: Exception
) -> None:
    def refuse(*_: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        daemon(Unary(refuse)).call(INFO, b"")
    assert caught.value is error


def test_an_interceptor_may_wait_for_the_response(daemon: Callable[[Any], GrpcioChannel]) -> None:
    codes = []

    def log(continuation: Any, details: Any, request: Any) -> Any:
        call = continuation(details, request)
        codes.append(call.code())
        return call

    assert daemon(Unary(log)).call(INFO, b"") == ANSWER
    assert codes == [grpc.StatusCode.OK]


def test_an_interceptor_may_replace_the_response(daemon: Callable[[Any], GrpcioChannel]) -> None:
    other = pb.InfoResponse(buildkitVersion={"version": "v2"})

    class Answered:
        def result(self) -> pb.InfoResponse:
            return other

    channel = daemon(Unary(lambda *_: Answered()))
    assert channel.call(INFO, b"") == other.SerializeToString()


@pytest.mark.parametrize("ends", ["deadline", "cancel"])
def test_a_call_ends_although_an_interceptor_waits(
    daemon: Callable[[Any], GrpcioChannel], ends: str
) -> None:
    is_waiting, may_go_on, calls = threading.Event(), threading.Event(), []

    def wait(continuation: Any, details: Any, request: Any) -> Any:
        is_waiting.set()
        may_go_on.wait(SECONDS)
        calls.append(continuation(details._replace(timeout=None), request))
        return calls[0]

    channel = daemon(Unary(wait))
    call = channel.stream(INFO, timeout=0.05 if ends == "deadline" else None)
    call.send(b"")
    call.close_send()
    assert is_waiting.wait(SECONDS)
    if ends == "cancel":
        call.cancel()
    with pytest.raises(DeadlineError if ends == "deadline" else CancelledError):
        call.receive()
    may_go_on.set()
    channel.close()
    for thread in threading.enumerate():
        if thread.name == f"grpcio {INFO}":
            thread.join(SECONDS)
    # The call that the interceptor then starts is cancelled, unless it was faster.
    assert calls[0].code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.OK)


def test_a_unary_call_without_a_request_is_an_error(
    daemon: Callable[[Any], GrpcioChannel],
) -> None:
    call = daemon(Unary(lambda continuation, *rest: continuation(*rest))).stream(INFO)
    call.close_send()
    with pytest.raises(RemoteError, match="unary call has no request") as caught:
        call.receive()
    assert caught.value.code == Code.INTERNAL


def test_an_interceptor_runs_in_the_context_of_the_caller(
    daemon: Callable[[Any], GrpcioChannel],
) -> None:
    span: contextvars.ContextVar[str] = contextvars.ContextVar("span", default="none")
    spans = []

    def trace(continuation: Any, details: Any, request: Any) -> Any:
        spans.append(span.get())
        return continuation(details, request)

    span.set("the caller's")
    assert daemon(Unary(trace)).call(INFO, b"") == ANSWER
    assert spans == ["the caller's"]


def generator(continuation: Any, details: Any, requests: Any) -> Any:
    """Return responses that cannot be cancelled, as some interceptors do."""
    yield from continuation(details, requests)


def test_a_stream_of_an_interceptor_needs_no_method_but_iteration(connect: Connect) -> None:
    call = connect(Stream(generator)).stream("/tunnel.Test/Chat")
    call.send(b"a")
    assert call.receive() == b"a"
    call.close_send()
    assert call.receive() is None


def test_cancelling_ends_a_stream_that_cannot_be_cancelled(
    server: GrpcioServer, connect: Connect
) -> None:
    call = connect(Stream(generator)).stream("/tunnel.Test/Sleep")
    call.send(b"")
    assert server.has_started.wait(SECONDS)
    call.cancel()
    with pytest.raises(CancelledError):
        call.receive()
    server.has_ended.set()


def test_responses_that_nobody_reads_are_dropped_after_a_cancellation(
    server: GrpcioServer, connect: Connect
) -> None:
    call = connect(Stream(generator)).stream("/tunnel.Test/Produce")
    call.send(b"%d %d" % (1024, 65536))
    call.close_send()
    assert call.receive() == bytes(65536)
    call.cancel()
    with pytest.raises(CancelledError):
        call.receive()
    assert server.yielded < 1024
