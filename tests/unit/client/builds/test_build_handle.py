"""A build as a handle, on a fake daemon: every phase in which it can be cancelled."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pytest

from llb import Scratch, merge
from llb.client import BuildHandle, Client, Event
from llb.client.connect.control import Control
from llb.client.connect.routes import Route
from llb.errors import (
    CancelledError,
    CapabilityError,
    InvalidValueError,
    RemoteError,
    SolveError,
    TransportError,
)
from llb.gateway import Result
from llb.testing import FakeDaemon
from tests.fakes.forks import in_child
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.gateway import Gateway, Request
    from llb.testing import FakeBuild

STATE = Scratch().mkfile("/a", "x", name="write a")


class Pause:
    """A script that waits in a build until the test lets it go on."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, build: FakeBuild) -> None:
        build.show_steps()
        self.is_reached.set()
        assert self.may_go_on.wait(SECONDS)


@pytest.fixture
def pause() -> Iterator[Pause]:
    pause = Pause()
    yield pause
    pause.may_go_on.set()


@pytest.fixture
def client(pause: Pause) -> Iterator[Client]:
    with FakeDaemon(script=pause) as daemon, Client(daemon.address) as client:
        yield client
        pause.may_go_on.set()


def check_cancelled(build: BuildHandle) -> None:
    with pytest.raises(CancelledError, match=r"^the build was cancelled$"):
        build.result()
    assert build.is_done


def test_a_running_build_is_cancelled_and_another_goes_on(client: Client, pause: Pause) -> None:
    build, other = client.start(STATE), client.start(STATE)
    assert pause.is_reached.wait(SECONDS)
    assert repr(build) == f"<BuildHandle {build.ref} running>"
    build.cancel()
    build.cancel()
    check_cancelled(build)
    assert repr(build) == f"<BuildHandle {build.ref} over>"
    assert not other.is_done
    pause.may_go_on.set()
    assert other.result().ref == other.ref


def test_a_build_is_cancelled_while_its_session_opens(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_opening, may_open = threading.Event(), threading.Event()
    open_session = Route.open_session
    pipes = []

    def open_slowly(route: Route, metadata: object) -> object:
        is_opening.set()
        assert may_open.wait(SECONDS)
        pipes.append(open_session(route, metadata))  # type: ignore[arg-type]
        return pipes[0]

    monkeypatch.setattr(Route, "open_session", open_slowly)
    build = client.start(STATE)
    assert is_opening.wait(SECONDS)
    build.cancel()
    check_cancelled(build)
    may_open.set()
    # The session that comes too late is closed.
    wait_until(lambda: bool(pipes) and pipes[0].read() == b"")


def test_a_build_is_cancelled_between_its_session_and_its_request(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[BuildHandle] = []
    may_open = threading.Event()
    open_session = Control.open_session

    def open_and_cancel(control: Control, *arguments: object) -> object:
        pipe = open_session(control, *arguments)  # type: ignore[arg-type]
        assert may_open.wait(SECONDS)
        builds[0].cancel()
        return pipe

    monkeypatch.setattr(Control, "open_session", open_and_cancel)
    builds.append(client.start(STATE))
    may_open.set()
    check_cancelled(builds[0])


def test_a_build_of_the_parent_is_over_in_the_child_of_a_fork(client: Client, pause: Pause) -> None:
    build = client.start(STATE)
    assert pause.is_reached.wait(SECONDS)

    def work() -> None:
        assert build.is_done
        build.cancel()
        list(build)
        with pytest.raises(TransportError, match="belongs to the parent process"):
            build.result()

    in_child(work)
    assert not build.is_done
    pause.may_go_on.set()
    assert build.result().ref == build.ref
    in_child(build.result)


def test_a_build_is_cancelled_while_its_daemon_is_asked_for_its_version() -> None:
    with FakeDaemon() as daemon, Client(daemon.address) as client:
        is_asked, may_answer = threading.Event(), threading.Event()
        answer = FakeDaemon._info

        def answer_slowly(call: object) -> None:
            is_asked.set()
            assert may_answer.wait(SECONDS)
            answer(daemon, call)  # type: ignore[arg-type]

        (server,) = daemon._servers
        server._handlers["/moby.buildkit.v1.Control/Info"] = answer_slowly
        build = client.start(STATE)
        assert is_asked.wait(SECONDS)
        build.cancel()
        check_cancelled(build)
        may_answer.set()
        assert daemon.builds == ()


def test_a_build_is_cancelled_before_its_function_has_a_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_opening, may_open = threading.Event(), threading.Event()
    channel = Control.channel

    def open_slowly(control: Control) -> object:
        is_opening.set()
        assert may_open.wait(SECONDS)
        return channel(control)

    def function(_: Request, gateway: Gateway) -> Result:
        raise AssertionError(f"called with {gateway}")

    monkeypatch.setattr(Control, "channel", open_slowly)
    build = client.start(function=function)
    assert is_opening.wait(SECONDS)
    build.cancel()
    may_open.set()
    check_cancelled(build)


def test_a_function_sees_the_cancellation_in_its_next_call(client: Client) -> None:
    is_called, is_cancelled = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def function(_: Request, gateway: Gateway) -> Result:
        is_called.set()
        assert is_cancelled.wait(SECONDS)
        with pytest.raises(CancelledError) as caught:
            gateway.solve(STATE.marshal())
        errors.append(caught.value)
        return Result()

    build = client.start(function=function)
    assert is_called.wait(SECONDS)
    build.cancel()
    is_cancelled.set()
    check_cancelled(build)
    wait_until(lambda: [type(error) for error in errors] == [CancelledError])


def test_events_that_nobody_reads_are_dropped_by_result(client: Client, pause: Pause) -> None:
    build = client.start(STATE)
    assert pause.is_reached.wait(SECONDS)
    with pytest.raises(TimeoutError, match=f"the build {build.ref} is still running after 0 s"):
        build.result(timeout=0)
    with pytest.raises(InvalidValueError, match="were not kept"):
        iter(build)
    pause.may_go_on.set()
    build.result()


def test_a_listener_and_an_iteration_get_the_same_events(client: Client, pause: Pause) -> None:
    heard: list[Event] = []
    pause.may_go_on.set()
    with client.start(STATE, on_event=heard.append) as build:
        assert list(build) == heard
    assert heard


def test_an_error_of_a_listener_is_raised_by_result(client: Client, pause: Pause) -> None:
    error = LookupError("mine")

    def listen(_: Event) -> None:
        raise error

    pause.may_go_on.set()
    build = client.start(STATE, on_event=listen)
    with pytest.raises(LookupError) as caught:
        build.result()
    assert caught.value is error


def test_a_signal_while_waiting_cancels_the_build(
    client: Client, pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(threading.Event):
        """An event whose first wait is interrupted."""

        def wait(self, timeout: float | None = None) -> bool:
            assert pause.is_reached.wait(SECONDS)
            if not interrupts:
                interrupts.append(KeyboardInterrupt())
                raise interrupts[0]
            return super().wait(timeout)

    interrupts: list[KeyboardInterrupt] = []
    build = client.start(STATE)
    build._outcome.is_known = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        build.result()
    check_cancelled(build)


def test_a_block_that_raises_cancels_and_keeps_its_exception(client: Client) -> None:
    with pytest.raises(LookupError, match="mine"), client.start(STATE) as build:
        raise LookupError("mine")
    check_cancelled(build)


def test_a_block_raises_a_cancellation_that_nobody_has_seen(client: Client) -> None:
    with pytest.raises(CancelledError), client.start(STATE) as build:
        build.cancel()


def test_the_error_of_a_forgotten_build_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(build: FakeBuild) -> None:
        raise build.failure("write a")

    with FakeDaemon(script=fail) as daemon, Client(daemon.address) as client:
        ref = client.start(STATE).ref
        wait_until(lambda: gc.collect() >= 0 and bool(caplog.records))
        with pytest.raises(SolveError):
            client.start(STATE).result()
        gc.collect()
    assert [record.name for record in caplog.records] == ["llb.client"]
    assert caplog.records[0].getMessage().startswith(f"build {ref} failed: ")


def test_a_build_goes_on_without_its_handle(client: Client, pause: Pause) -> None:
    is_over = threading.Event()
    client.start(STATE)._call_when_over(is_over.set)
    gc.collect()
    assert pause.is_reached.wait(SECONDS)
    pause.may_go_on.set()
    assert is_over.wait(SECONDS)


def test_a_callback_after_the_end_is_called_at_once(client: Client, pause: Pause) -> None:
    pause.may_go_on.set()
    build = client.start(STATE)
    build.result()
    calls: list[int] = []
    build._call_when_over(lambda: calls.append(1))
    assert calls == [1]


def test_errors_of_the_daemon_are_raised_by_result() -> None:
    merged = merge([STATE, Scratch().mkfile("/b", "x")])
    with FakeDaemon(version="v0.9.0") as daemon, Client(daemon.address) as client:
        build = client.start(merged)
        with pytest.raises(CapabilityError, match="merge"):
            build.result()
        assert daemon.builds == ()


def test_what_is_built_is_checked_by_start(client: Client) -> None:
    def function(_: Request, gateway: Gateway) -> Result:
        raise RemoteError(f"called with {gateway}", code=2)

    async def asynchronous(_: Request, gateway: Gateway) -> Result:
        raise RemoteError(f"called with {gateway}", code=2)

    for arguments in ({}, {"what": STATE, "frontend": "dockerfile.v0"}):
        with pytest.raises(InvalidValueError, match="a build takes exactly one of: a state or a"):
            client.start(**arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="takes exactly one of"):
        client.start(STATE, function=function)
    with pytest.raises(InvalidValueError, match="expected one without async"):
        client.start(function=asynchronous)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="invalid function 3: expected a function or None"):
        client.start(function=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="a platform only with a state"):
        client.start(frontend="dockerfile.v0", platform="linux/arm64")
    with pytest.raises(InvalidValueError, match="a platform only with a state"):
        client.start(function=function, platform="linux/arm64")
