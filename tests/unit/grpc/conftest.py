"""Pairs of a server and a channel in one process, and a server behind a bare pipe."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from llb.errors import TransportError
from llb.grpc import Channel, Server, memory_pair
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.grpc import Handler, Pipe


class Serving:
    """A server in a thread; ``ended`` is the error that :meth:`Server.serve` raised."""

    def __init__(self, pipe: Pipe, handlers: dict[str, Handler], **options: Any) -> None:
        self.server = Server(pipe, handlers, **options)
        self.ended: TransportError | None = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            self.server.serve()
        except TransportError as error:
            self.ended = error

    def join(self) -> TransportError | None:
        """Wait for the server, and return the reason if it did not end in order."""
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        return self.ended


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ends and handlers take as long to finish as a busy machine needs."""
    for module in ("endpoint", "server"):
        monkeypatch.setattr(f"llb.grpc.{module}._GRACE", SECONDS)


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Check that a test leaves no thread behind."""
    before = set(threading.enumerate())
    yield
    new_threads = set(threading.enumerate()) - before
    for thread in new_threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in new_threads)


@pytest.fixture
def connect() -> Iterator[Callable[..., Channel]]:
    """A function that starts a server with handlers and returns a channel to it."""
    with ExitStack() as stack:

        def start(handlers: dict[str, Handler], **options: Any) -> Channel:
            here, there = memory_pair()
            serving = Serving(there, handlers, **options)
            stack.callback(serving.join)
            channel = Channel(here)
            stack.callback(channel.close)
            return channel

        yield start


@pytest.fixture
def serve_raw() -> Iterator[Callable[..., tuple[Serving, Pipe]]]:
    """A function that starts a server with handlers, and returns it with a pipe to it."""
    with ExitStack() as stack:

        def start(handlers: dict[str, Handler], **options: Any) -> tuple[Serving, Pipe]:
            here, there = memory_pair(2**26)
            serving = Serving(there, handlers, **options)
            stack.callback(serving.join)
            stack.callback(here.close)
            return serving, here

        yield start
