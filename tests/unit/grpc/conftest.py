"""Pairs of a server and a channel in one process, and a peer that says anything."""

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
    """A server on a thread; ``ended`` is what :meth:`Server.serve` raised."""

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
        """Wait for the end of the server, and return why it ended if not in order."""
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        return self.ended


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends wait for last words and handlers as long as those take on a machine that is busy."""
    for module in ("endpoint", "server"):
        monkeypatch.setattr(f"llb.grpc.{module}._GRACE", SECONDS)


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Every test ends with the threads it began with."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in left)


@pytest.fixture
def connect() -> Iterator[Callable[..., Channel]]:
    """A function that serves handlers and returns a channel to them."""
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
    """A function that serves handlers to a bare pipe, and returns both."""
    with ExitStack() as stack:

        def start(handlers: dict[str, Handler], **options: Any) -> tuple[Serving, Pipe]:
            here, there = memory_pair(2**26)
            serving = Serving(there, handlers, **options)
            stack.callback(serving.join)
            stack.callback(here.close)
            return serving, here

        yield start
