"""The private daemon is started on demand, and stops when it is idle."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llb.client.daemon import private as daemon
from llb.client.daemon.private import Place, idle_seconds
from llb.errors import ConnectError, InvalidValueError
from tests.fakes.command import llb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Listens at the address in its arguments until SIGTERM.
BUILDKITD = """\
#!{python}
import signal, socket, sys

print("starting", *sys.argv[1:])
sys.stdout.flush()
address = sys.argv[sys.argv.index("--addr") + 1].removeprefix("unix://")
listener = socket.socket(socket.AF_UNIX)
listener.bind(address)
listener.listen()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    connection, _ = listener.accept()
    connection.close()
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in PATH, with a fake buildkitd."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "buildkitd", BUILDKITD.format(python=sys.executable))
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The folder of the user's daemon, which is stopped after the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = Place.default()
    assert place.folder == tmp_path / "pyllb" / "buildkitd"
    yield place
    daemon.stop(place)


def start() -> str:
    """Start the daemon from a separate program, which it outlives; return the program's output."""
    result = subprocess.run(
        [sys.executable, "-m", "llb", "daemon", "start"], check=True, capture_output=True, text=True
    )
    return result.stdout


def wait_for_end(place: Place) -> None:
    """Wait for the lock that the supervisor holds while it runs."""
    with place.pid.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)


def program(folder: Path, name: str, source: str) -> None:
    (folder / name).write_text(source)
    (folder / name).chmod(0o755)


@pytest.mark.usefixtures("bin_folder")
def test_a_daemon_is_started_once_and_stopped(place: Place) -> None:
    assert start() == f"{place.address}\n"
    supervisor = daemon.running(place)
    assert (daemon.is_up(place), supervisor is not None) == (True, True)
    # The daemon already runs, so this does not start one.
    assert daemon.start() == place.address
    assert daemon.running(place) == supervisor
    assert daemon.stop()
    assert (daemon.is_up(place), daemon.running(place), daemon.stop()) == (False, None, False)
    root = place.folder / "root"
    assert f"starting --root {root} --addr {place.address}" in place.log.read_text()


@pytest.mark.usefixtures("bin_folder")
def test_the_command_line_shows_and_stops_the_daemon(place: Place) -> None:
    stopped = (
        f"status   stopped\naddress  {place.address}\n"
        f"state    {place.folder}\nlog      {place.log}\n"
    )
    assert llb("daemon", "status").stdout == stopped
    start()
    assert llb("daemon", "start").stdout == f"{place.address}\n"
    running = stopped.replace("stopped", f"running, process {daemon.running(place)}")
    assert llb("daemon", "status").stdout == running
    assert [llb("daemon", "stop").stdout for _ in range(2)] == ["stopped\n", "not running\n"]


@pytest.mark.usefixtures("bin_folder")
def test_an_idle_daemon_stops(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLB_DAEMON_IDLE", "0.1")
    start()
    wait_for_end(place)
    assert (daemon.running(place), daemon.is_up(place)) == (None, False)


def test_a_daemon_that_fails_to_start_is_an_error_with_its_last_log_lines(
    bin_folder: Path, place: Place
) -> None:
    program(bin_folder, "buildkitd", "#!/bin/sh\necho no runc\necho giving up >&2\nexit 1\n")
    with pytest.raises(ConnectError) as caught:
        daemon.start(place)
    assert caught.value.message == "the private buildkitd did not start: no runc / giving up"
    assert caught.value.hint == f"the full log is in {place.log}"


def test_a_machine_without_buildkitd_is_an_error(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConnectError, match="no BuildKit found"):
        daemon.start(place)


def test_a_user_other_than_root_needs_rootlesskit(
    bin_folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ConnectError) as caught:
        daemon.command(place)
    assert caught.value.message == ("a rootless BuildKit needs rootlesskit, which is not on PATH")
    program(bin_folder, "rootlesskit", "")
    place.folder.mkdir(parents=True)
    place.config.write_text("")
    assert daemon.command(place) == [
        *(str(bin_folder / "rootlesskit"), "--net=host", "--copy-up=/etc"),
        *(str(bin_folder / "buildkitd"), "--config", str(place.config)),
        *("--root", str(place.folder / "root"), "--addr", place.address),
        *("--otel-socket-path", str(place.folder / "otel.sock"), "--rootless"),
    ]
    environ = daemon._environment(place)
    assert environ["XDG_RUNTIME_DIR"] == str(place.folder / "run")
    assert (place.folder / "run").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("value", "seconds"), [("", 600.0), ("1.5", 1.5)])
def test_the_idle_time_is_a_number_of_seconds(value: str, seconds: float) -> None:
    assert idle_seconds({"LLB_DAEMON_IDLE": value}) == seconds


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan"])
def test_an_invalid_idle_time_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        idle_seconds({"LLB_DAEMON_IDLE": value})
    assert caught.value.message == (
        f"invalid LLB_DAEMON_IDLE {value!r}: expected a number of seconds above 0"
    )


@pytest.mark.usefixtures("bin_folder")
def test_a_daemon_ends_with_its_supervisor(place: Place) -> None:
    start()
    supervisor = daemon.running(place)
    assert supervisor is not None
    os.kill(supervisor, signal.SIGTERM)
    wait_for_end(place)
    assert not place.socket.exists()
