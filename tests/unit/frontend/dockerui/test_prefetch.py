"""Prefetched calls are made once, and the build reuses their answers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

import pytest
from attrs import define, field

from llb.errors import RemoteError
from llb.frontend.dockerui.prefetch import _CachingChannel, prefetch
from llb.gateway import Gateway, Request, Result
from llb.testing.gateway import run_frontend
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable


@define
class Daemon:
    """Answers calls with their requests once it is allowed to, and refuses the request ``no``."""

    is_called: threading.Event = field(factory=threading.Event)
    is_allowed: threading.Event = field(factory=threading.Event)
    calls: list[bytes] = field(factory=list)

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        self.calls.append(request)
        self.is_called.set()
        assert self.is_allowed.wait(SECONDS)
        if request == b"no":
            raise RemoteError("refused", code=2)
        return method.encode() + request

    def stream(self, method: str, **_: object) -> NoReturn:
        raise NotImplementedError(method)


class Awaited(threading.Event):
    """An event that sets ``cause`` when somebody waits for it."""

    def __init__(self, cause: threading.Event) -> None:
        super().__init__()
        self._cause = cause

    def wait(self, timeout: float | None = None) -> bool:
        self._cause.set()
        return super().wait(timeout)


def test_a_pending_call_is_awaited_and_not_repeated() -> None:
    daemon, answers = Daemon(), {}  # type: ignore[var-annotated]
    early = _CachingChannel(daemon, answers, records=True)
    later = _CachingChannel(daemon, answers, records=False)
    thread = threading.Thread(target=early.call, args=("Read", b"x"))
    thread.start()
    assert daemon.is_called.wait(SECONDS)
    answers["Read", b"x"].has_arrived = Awaited(daemon.is_allowed)
    assert later.call("Read", b"x") == b"Readx"
    thread.join()
    assert later.call("Read", b"x") == b"Readx"
    assert daemon.calls == [b"x"]
    # Other calls are made each time.
    assert [later.call("Read", b"y"), later.call("Stat", b"x")] == [b"Ready", b"Statx"]
    assert daemon.calls == [b"x", b"y", b"x"]


def test_an_error_of_a_prefetched_call_is_raised_when_the_build_makes_it() -> None:
    daemon, answers = Daemon(), {}  # type: ignore[var-annotated]
    daemon.is_allowed.set()
    for records in (True, False):
        with pytest.raises(RemoteError, match="refused"):
            _CachingChannel(daemon, answers, records=records).call("Read", b"no")
    assert daemon.calls == [b"no"]


def test_a_build_with_a_remote_context_is_not_prefetched() -> None:
    def build(request: Request, gateway: Gateway) -> Result:
        assert prefetch(request, gateway) is gateway
        return Result()

    outcome = run_frontend(build, {"context": "https://example.com/x.git"})
    assert [call for call in outcome.calls if call.startswith(("Solve", "ReadFile"))] == []
