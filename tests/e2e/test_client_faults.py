"""What ends a build from outside: a listener, an output, a connection, a signal."""

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
    daemon_processes,
    processes,
)
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

BUSYBOX = Image("busybox")


@pytest.mark.feature("Q10")
def test_an_error_of_a_listener_ends_the_build(buildkit_host: str, tmp_path: Path) -> None:
    mistake, mark = LookupError("mine"), f"listener {uuid.uuid4()}"

    def listen(event: Event) -> None:
        if isinstance(event, VertexLog):
            raise mistake

    with Client(buildkit_host) as client, pytest.raises(LookupError) as caught:
        client.solve(
            BUSYBOX.run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=listen,
        )
    assert caught.value is mistake
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes(mark))


def test_an_error_of_a_listener_at_the_very_end_counts_too(
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
    taken = tmp_path / "out" / "sub"
    taken.mkdir(parents=True)
    taken.chmod(0o555)
    done = subprocess.run(
        [
            # Root writes everywhere, unless it lacks the capability to.
            *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
            *(sys.executable, "-m", "llb", "build", script, "-o", tmp_path / "out"),
            *("--addr", buildkit_host),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    check_error(done, f"error: cannot write the output {taken}/a: Permission denied")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["sub"]


def test_a_platform_is_for_a_state(buildkit_host: str) -> None:
    with Client(buildkit_host) as client:
        definition = Scratch().mkfile("/a", "x").marshal()
        with pytest.raises(InvalidValueError, match="only with a state"):
            client.solve(definition, platform="linux/arm64")


@pytest.mark.feature("K8")
def test_being_told_to_stop_cancels_the_build(buildkit_host: str, tmp_path: Path) -> None:
    mark = f"stop {uuid.uuid4()}"
    running = begin_long_build(buildkit_host, tmp_path, mark)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 143
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes(mark))


@pytest.mark.feature("Q6")
def test_a_session_that_breaks_is_an_error_in_bounded_time(relay: Relay, tmp_path: Path) -> None:
    mark = f"session {uuid.uuid4()}"

    def cut(event: Event) -> None:
        if isinstance(event, VertexLog):
            relay.cut_newest()

    with Client(relay.address) as client, pytest.raises(TransportError) as caught:
        client.solve(
            BUSYBOX.run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=cut,
        )
    assert caught.value.message.startswith(f"lost the connection to {relay.address}: ")
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes(mark))


@pytest.fixture
def network(buildkit_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """A network before the stack's buildkitd, which is given up after seconds."""
    often = (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2))
    monkeypatch.setattr(sockets, "_KEEP_ALIVE", often)
    monkeypatch.setattr(sockets, "_UNCONFIRMED", ("TCP_USER_TIMEOUT", 2000))
    made = Relay(buildkit_host)
    yield made
    made.close()


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
    # Two connections are lost, and either may be the first that is noticed.
    assert caught.value.message.startswith(f"lost the connection to {network.address}: ")
    assert caught.value.message.endswith("reading failed: Connection timed out")
    assert not (tmp_path / "out").exists()
    network.close()
    wait_until(lambda: not processes(mark))


def test_a_network_that_goes_silent_ends_a_call(network: Relay) -> None:
    with Client(network.address) as client:
        network.fall_silent()
        with pytest.raises(TransportError) as caught:
            list(client.history().watch(active_only=True))
        assert caught.value.message == (
            f"lost the connection to {network.address}: reading failed: Connection timed out"
        )


@pytest.mark.feature("Q6")
def test_a_connection_that_ended_between_builds_is_followed_by_another(
    relay: Relay, tmp_path: Path
) -> None:
    with Client(relay.address) as client:
        for name in ("first", "second"):
            client.solve(Scratch().mkfile("/a", name), exports=[local(tmp_path / "out")])
            assert (tmp_path / "out" / "a").read_text() == name
            relay.cut_all()


def test_a_daemon_that_was_started_anew_is_found_again(
    start_buildkitd: Callable[..., Buildctl],
) -> None:
    port = free_port()
    first = start_buildkitd("--port", str(port))
    with Client(f"tcp://127.0.0.1:{port}") as client:
        (pid,) = daemon_processes(first)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not daemon_processes(first))
        with pytest.raises(ConnectError, match="Connection refused"):
            client.info()
        start_buildkitd("--port", str(port))
        assert client.info().version == "v0.32.2"


@pytest.mark.feature("K8")
def test_being_told_to_stop_ends_the_script_too(tmp_path: Path) -> None:
    script, begun = tmp_path / "build.py", tmp_path / "begun"
    script.write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(300)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "llb", "build", script], stderr=subprocess.PIPE, text=True
    )
    wait_until(begun.exists)
    assert processes(f"llb.script {script}")
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, errors) == (143, "")
    wait_until(lambda: not processes(f"llb.script {script}"))
