"""A server of grpcio, and our calls through channels to it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from llb.grpcio.channel import GrpcioChannel
from tests.fakes.grpcio_peers import LARGE, GrpcioServer
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Connect = Callable[..., GrpcioChannel]


@pytest.fixture(autouse=True)
def no_calls_left() -> Iterator[None]:
    """Check that a test leaves no thread of a call behind."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("grpcio "):
            thread.join(SECONDS)
            assert not thread.is_alive()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GrpcioServer]:
    """A server of grpcio."""
    server = GrpcioServer(tmp_path / "server.sock")
    yield server
    server.close()


@pytest.fixture
def connect(server: GrpcioServer) -> Iterator[Connect]:
    """A function that opens a channel with interceptors and options, for our calls."""
    with ExitStack() as stack:

        def open_channel(*interceptors: Any, options: Any = LARGE) -> GrpcioChannel:
            plain = stack.enter_context(grpc.insecure_channel(server.address, options))
            channel = GrpcioChannel(grpc.intercept_channel(plain, *interceptors))
            stack.callback(channel.close)
            return channel

        yield open_channel


@pytest.fixture
def channel(connect: Connect) -> GrpcioChannel:
    """A channel without interceptors."""
    return connect()
