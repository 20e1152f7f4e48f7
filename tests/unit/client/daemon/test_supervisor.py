"""The supervisor stops an idle private daemon, but never one that a client is about to use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from llb.client.daemon.private import Place
from llb.client.daemon.supervisor import _end, _watch, connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATER = time.time() + 3600


class Contended(Place):
    """A place whose lock is held by a client that is about to use the daemon.

    ``seen`` reports what the supervisor does once it has the lock: it looks again, or ends.
    """

    seen: SimpleQueue[str] = SimpleQueue()
    was_locked = threading.Event()

    @property
    def used(self) -> Path:
        if self.was_locked.is_set():
            self.seen.put("looks again")
        return super().used

    @contextmanager
    def locked(self) -> Iterator[None]:
        os.utime(super().used, (LATER, LATER))
        with super().locked():
            yield
        self.was_locked.set()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until it is terminated."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def idle(place: Place) -> None:
    """Create a place that has not been used for an hour."""
    place.folder.mkdir(exist_ok=True)
    place.used.touch()
    os.utime(place.used, (0, 0))


def test_an_idle_daemon_is_stopped(
    process: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLB_DAEMON_IDLE", "0.01")
    place = Place(tmp_path)
    idle(place)
    _watch(place, process, threading.Event())
    assert process.returncode is not None


def test_a_daemon_that_a_client_is_about_to_use_keeps_running(
    process: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLB_DAEMON_IDLE", "0.01")
    place, stopping = Contended(tmp_path), threading.Event()
    idle(place)

    def watch() -> None:
        _watch(place, process, stopping)
        place.seen.put("ends")

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert place.seen.get() == "looks again"
    stopping.set()
    watcher.join()
    assert process.poll() is None


def test_an_exited_daemon_is_no_longer_watched(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        _watch(place, process, threading.Event())
    assert process.returncode == 0


def test_a_daemon_is_stopped_by_sigterm() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        _end(process)
    assert process.returncode == -15


def test_connected_clients_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert connections(path) == 0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            there, _ = listener.accept()
            with there:
                assert connections(path) == 1
    assert connections(tmp_path / "other") == 0
