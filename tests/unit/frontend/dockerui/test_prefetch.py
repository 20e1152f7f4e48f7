"""What is asked early is asked once, and answered where the build asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

import pytest
from attrs import define, field

from llb.errors import RemoteError
from llb.frontend.dockerui.prefetch import _Remembering, foresee
from llb.gateway import Gateway, Request, Result
from llb.testing.gateway import run_frontend
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable


@define
class Daemon:
    """Answers calls with their requests, when it is allowed to, and fails those for ``no``."""

    is_asked: threading.Event = field(factory=threading.Event)
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
        self.is_asked.set()
        assert self.is_allowed.wait(SECONDS)
        if request == b"no":
            raise RemoteError("refused", code=2)
        return method.encode() + request

    def stream(self, method: str, **_: object) -> NoReturn:
        raise NotImplementedError(method)


class Awaited(threading.Event):
    """An event that happens only when somebody waits for it: ``cause`` is set then."""

    def __init__(self, cause: threading.Event) -> None:
        super().__init__()
        self._cause = cause

    def wait(self, timeout: float | None = None) -> bool:
        self._cause.set()
        return super().wait(timeout)


def test_a_call_that_is_under_way_is_waited_for_and_not_made_again() -> None:
    daemon, answers = Daemon(), {}  # type: ignore[var-annotated]
    early = _Remembering(daemon, answers, records=True)
    later = _Remembering(daemon, answers, records=False)
    thread = threading.Thread(target=early.call, args=("Read", b"x"))
    thread.start()
    assert daemon.is_asked.wait(SECONDS)
    answers["Read", b"x"].is_there = Awaited(daemon.is_allowed)
    assert later.call("Read", b"x") == b"Readx"
    thread.join()
    assert later.call("Read", b"x") == b"Readx"
    assert daemon.calls == [b"x"]
    # What was not asked is asked, each time.
    assert [later.call("Read", b"y"), later.call("Stat", b"x")] == [b"Ready", b"Statx"]
    assert daemon.calls == [b"x", b"y", b"x"]


def test_what_went_wrong_early_is_raised_where_it_is_asked_again() -> None:
    daemon, answers = Daemon(), {}  # type: ignore[var-annotated]
    daemon.is_allowed.set()
    for records in (True, False):
        with pytest.raises(RemoteError, match="refused"):
            _Remembering(daemon, answers, records=records).call("Read", b"no")
    assert daemon.calls == [b"no"]


def test_a_build_whose_file_is_elsewhere_is_not_foreseen() -> None:
    def build(request: Request, gateway: Gateway) -> Result:
        assert foresee(request, gateway) is gateway
        return Result()

    done = run_frontend(build, {"context": "https://example.com/x.git"})
    assert [each for each in done.calls if each.startswith(("Solve", "ReadFile"))] == []
