"""What ends a build from outside: a listener, an output, a connection, a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch
from llb.client import Client, Event, VertexLog, local
from llb.errors import InvalidValueError, TransportError
from tests.e2e.test_failures import begin_long_build, check_error, processes, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.relays import Relay

BUSYBOX = Image("busybox")


@pytest.mark.feature("Q10")
def test_an_error_of_a_listener_ends_the_build(buildkit_host: str, tmp_path: Path) -> None:
    mistake = LookupError("mine")

    def listen(event: Event) -> None:
        if isinstance(event, VertexLog):
            raise mistake

    with Client(buildkit_host) as client, pytest.raises(LookupError) as caught:
        client.solve(
            BUSYBOX.run("echo begun; sleep 300 # listener", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=listen,
        )
    assert caught.value is mistake
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes("sleep 300 # listener"))


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
        timeout=60,
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
    running = begin_long_build(buildkit_host, tmp_path, "stop")
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 143
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes("sleep 300 # stop"))


@pytest.mark.feature("Q6")
def test_a_session_that_breaks_is_an_error_in_bounded_time(relay: Relay, tmp_path: Path) -> None:
    def cut(event: Event) -> None:
        if isinstance(event, VertexLog):
            relay.cut_newest()

    with Client(relay.address) as client, pytest.raises(TransportError) as caught:
        client.solve(
            BUSYBOX.run("echo begun; sleep 300 # session", ignore_cache=True),
            exports=[local(tmp_path / "out")],
            on_event=cut,
        )
    assert caught.value.message.startswith(f"lost the connection to {relay.address}: ")
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not processes("sleep 300 # session"))
