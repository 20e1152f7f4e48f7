"""A daemon that was stopped, and so keeps its connections, ends calls and builds in an error."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import Client, VertexLog
from llb.errors import CancelledError, ConnectError, TransportError
from tests.e2e.test_failures import ENDLESS, check_error, cli, find_daemon_processes
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.client import Event
    from tests.e2e.conftest import Buildctl


@pytest.fixture(autouse=True)
def keepalive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow two seconds of silence."""
    monkeypatch.setenv("LLB_KEEPALIVE", "2")


@pytest.fixture
def daemon(start_buildkitd: Callable[[], Buildctl]) -> Buildctl:
    """A private daemon."""
    return start_buildkitd()


@pytest.fixture
def stop(daemon: Buildctl) -> Iterator[Callable[[], None]]:
    """Stop the daemon until the end of the test."""
    (pid,) = find_daemon_processes(daemon)

    def stop_all_threads() -> None:
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(map(is_stopped, Path(f"/proc/{pid}/task").iterdir())))

    yield stop_all_threads
    os.kill(pid, signal.SIGCONT)


def is_stopped(thread: Path) -> bool:
    """Check the state of a thread in /proc."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def build_and_stop(daemon: Buildctl, stop: Callable[[], None], *, after: float = 0) -> str:
    """Stop the daemon some seconds after the first output of a build; return the error."""

    def listen(event: Event) -> None:
        if isinstance(event, VertexLog):
            time.sleep(after)
            stop()

    step = Image("busybox").run(f"echo begun; {ENDLESS}", network="none")
    with Client(daemon.address) as client, pytest.raises(TransportError) as caught:
        client.solve(step, on_event=listen)
    return caught.value.message.removeprefix(f"lost the connection to {daemon.address}: ")


def test_a_build_on_a_stopped_daemon_ends(
    daemon: Buildctl, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may be so slow that the daemon has answered a question before.
    monkeypatch.setattr("llb.grpc.keepalive._PAUSE_SECONDS", 0.0)
    assert "it has not answered for " in build_and_stop(daemon, stop)


def test_a_build_ends_if_its_session_is_not_checked(
    daemon: Buildctl, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.client.connect.routes.keepalive_seconds", lambda: None)
    monkeypatch.setattr("llb.client.builds.build_run._LEAST_SILENCE", 8.0)
    # The first check comes after five seconds.
    message = build_and_stop(daemon, stop, after=6)
    assert message.startswith("the daemon has been silent for ")


def test_a_build_that_prints_nothing_goes_on(daemon: Buildctl) -> None:
    # Longer than the limit, and than the time between two checks of the session.
    step = Image("busybox").run("sleep 11", network="none")
    with Client(daemon.address) as client:
        client.solve(step)


def test_calls_of_a_stopped_daemon_end(daemon: Buildctl, stop: Callable[[], None]) -> None:
    with Client(daemon.address) as client:
        stop()
        calls: dict[str, Callable[[], object]] = {
            "info": client.info,
            "workers": client.workers,
            "disk usage": client.disk_usage,
            "history": lambda: list(client.history().builds()),
            "prune": lambda: list(client.prune()),
            "build": lambda: client.solve(Scratch().mkdir("/a")),
            "image": lambda: client.resolve_image_config("busybox"),
        }
        messages = {name: message_of(call) for name, call in calls.items()}
    assert {name for name, text in messages.items() if daemon.address in text} == set(calls)


def message_of(call: Callable[[], object]) -> str:
    """The message of the connection error of a call, empty if there is none."""
    try:
        call()
    except (ConnectError, TransportError) as error:
        return error.message
    return ""


def test_the_timeout_of_a_build_bounds_the_call(
    daemon: Buildctl, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLB_KEEPALIVE", "0")
    with Client(daemon.address) as client:
        stop()
        with pytest.raises(CancelledError):
            client.solve(Image("busybox").run("true"), timeout=1)


def test_the_limit_is_checked(daemon: Buildctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLB_KEEPALIVE", "soon")
    process = cli("info", address=daemon.address)
    check_error(
        process, "error: invalid LLB_KEEPALIVE 'soon': expected a number of seconds, 0 for no limit"
    )
