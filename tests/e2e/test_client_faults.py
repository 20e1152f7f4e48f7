"""Builds that end early: errors of listeners and outputs, lost connections, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import Client, Event, VertexLog, local
from llb.client.connect import sockets
from llb.errors import ConnectError, InvalidValueError, TransportError
from tests.e2e.relays import Relay
from tests.e2e.servers import free_port
from tests.e2e.test_failures import (
    ENDLESS,
    begin_long_build,
    check_error,
    find_daemon_processes,
    find_processes,
)
from tests.e2e.versions import VERSION
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

BUSYBOX = Image("busybox")


@pytest.mark.feature("Q10")
def test_an_error_of_a_listener_ends_the_build(buildkit_host: str, tmp_path: Path) -> None:
    error, mark = LookupError("mine"), f"listener {uuid.uuid4()}"

    def listen(event: Event) -> None:
        if isinstance(event, VertexLog):
            raise error

    with Client(buildkit_host) as client, pytest.raises(LookupError) as caught:
        client.solve(
            BUSYBOX.run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=listen,
        )
    assert caught.value is error
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not find_processes(mark))


def test_an_error_of_a_listener_after_the_last_step_fails_the_build(
    buildkit_host: str, tmp_path: Path
) -> None:
    def listen(event: Event) -> None:
        raise LookupError(str(event))

    with Client(buildkit_host) as client, pytest.raises(LookupError):
        client.solve(
            Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "out")], on_event=listen
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.feature("Q7")
def test_an_output_that_cannot_be_written_is_named(buildkit_host: str, tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from llb import Scratch, main\nmain(Scratch().mkdir('/sub').mkfile('/sub/a', 'new'))\n"
    )
    occupied = tmp_path / "out" / "sub"
    occupied.mkdir(parents=True)
    # A directory of the user's own would be made writable.
    os.chown(occupied, 1234, 1234)
    process = subprocess.run(
        [
            # Root can write to every directory unless it lacks this capability.
            *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
            *(sys.executable, "-m", "llb", "build", script, "-o", tmp_path / "out"),
            *("--addr", buildkit_host),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    check_error(process, f"error: cannot write the output {occupied}/a: Permission denied")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["sub"]


def test_a_platform_with_a_definition_is_refused(buildkit_host: str) -> None:
    with Client(buildkit_host) as client:
        definition = Scratch().mkfile("/a", "x").marshal()
        with pytest.raises(InvalidValueError, match="only with a state"):
            client.solve(definition, platform="linux/arm64")


@pytest.mark.feature("K8")
def test_sigterm_cancels_the_build(buildkit_host: str, tmp_path: Path) -> None:
    mark = f"stop {uuid.uuid4()}"
    running = begin_long_build(buildkit_host, tmp_path, mark)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 143
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not find_processes(mark))


@pytest.mark.feature("Q6")
def test_a_broken_session_is_an_error_within_the_timeout(relay: Relay, tmp_path: Path) -> None:
    mark = f"session {uuid.uuid4()}"
    # The lookup of a base image would be the newest connection.
    base = Image("busybox", inherit_config=False)

    def cut(event: Event) -> None:
        if isinstance(event, VertexLog):
            relay.cut_newest()

    with Client(relay.address) as client, pytest.raises(TransportError) as caught:
        client.solve(
            base.run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=cut,
        )
    assert caught.value.message.startswith(f"lost the connection to {relay.address}: ")
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not find_processes(mark))


@pytest.fixture
def network(buildkit_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """A relay to the stack's buildkitd, with keep-alive timeouts of a few seconds."""
    probes = (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2))
    monkeypatch.setattr(sockets, "_KEEP_ALIVE", probes)
    monkeypatch.setattr(sockets, "_UNCONFIRMED", ("TCP_USER_TIMEOUT", 2000))
    relay = Relay(buildkit_host)
    yield relay
    relay.close()


@pytest.mark.feature("Q6")
def test_a_network_that_goes_silent_ends_the_build(network: Relay, tmp_path: Path) -> None:
    mark = f"silence {uuid.uuid4()}"

    def fall_silent(event: Event) -> None:
        if isinstance(event, VertexLog):
            network.fall_silent()

    with Client(network.address) as client, pytest.raises(TransportError) as caught:
        client.solve(
            BUSYBOX.run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=fall_silent,
        )
    # Two connections are lost, and either loss may be noticed first.
    assert caught.value.message.startswith(f"lost the connection to {network.address}: ")
    assert caught.value.message.endswith("reading failed: Connection timed out")
    assert not (tmp_path / "out").exists()
    network.close()
    wait_until(lambda: not find_processes(mark))


def test_a_network_that_goes_silent_ends_a_call(network: Relay) -> None:
    with Client(network.address) as client:
        network.fall_silent()
        with pytest.raises(TransportError) as caught:
            list(client.history().watch(active_only=True))
        assert caught.value.message == (
            f"lost the connection to {network.address}: reading failed: Connection timed out"
        )


@pytest.mark.feature("Q6")
def test_a_connection_that_ended_between_builds_is_reopened(relay: Relay, tmp_path: Path) -> None:
    with Client(relay.address) as client:
        for name in ("first", "second"):
            client.solve(Scratch().mkfile("/a", name), exports=[local(tmp_path / "out")])
            assert (tmp_path / "out" / "a").read_text() == name
            relay.cut_all()


def test_a_client_reconnects_to_a_restarted_daemon(
    start_buildkitd: Callable[..., Buildctl],
) -> None:
    port = free_port()
    first = start_buildkitd("--port", str(port))
    with Client(f"tcp://127.0.0.1:{port}") as client:
        (pid,) = find_daemon_processes(first)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not find_daemon_processes(first))
        with pytest.raises(ConnectError, match="Connection refused"):
            client.info()
        start_buildkitd("--port", str(port))
        assert client.info().version == VERSION


@pytest.mark.feature("K8")
def test_sigterm_ends_the_script_of_the_build(tmp_path: Path) -> None:
    script, started_file = tmp_path / "build.py", tmp_path / "begun"
    script.write_text(
        f"import pathlib, time\npathlib.Path({str(started_file)!r}).touch()\ntime.sleep(300)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "llb", "build", script], stderr=subprocess.PIPE, text=True
    )
    wait_until(started_file.exists)
    assert find_processes(f"llb.script {script}")
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, errors) == (143, "")
    wait_until(lambda: not find_processes(f"llb.script {script}"))
