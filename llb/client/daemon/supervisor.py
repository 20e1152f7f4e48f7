"""Supervise the private daemon: start it, and stop it when it is idle.

Run as ``python -m llb.client.daemon.supervisor FOLDER COMMAND…``. Connected clients are counted
in the kernel's table of sockets, so any client counts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from llb.client.daemon.private import Place, idle_seconds
from llb.local_files import locks

if TYPE_CHECKING:
    from types import FrameType

assert sys.platform == "linux"

_POLL_SECONDS = 5.0
_KILL_SECONDS = 20.0
_CONNECTED = "03"
# prctl(2): the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def main(folder: str, command: list[str]) -> int:
    """Run the daemon until it exits or is idle, or until this process receives SIGTERM."""
    place = Place(Path(folder))
    stopping = Event()

    def stop(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The lock on this file shows that its process id is this process, and alive.
    with place.pid.open("w") as pid:
        locks.lock(pid.fileno())
        pid.write(str(os.getpid()))
        pid.flush()
        # This process has a single thread, so no lock is held in the child.
        daemon = subprocess.Popen(command, preexec_fn=_end_with_parent)  # noqa: PLW1509
        try:
            _watch(place, daemon, stopping)
        finally:
            _end(daemon)
            place.socket.unlink(missing_ok=True)
    return 0


def connections(socket: Path) -> int:
    """Count the clients connected to a unix socket."""
    with open("/proc/net/unix") as table:  # noqa: PTH123 - the kernel's file, read as it is
        rows = [line.split(maxsplit=7) for line in table]
    return sum(row[5] == _CONNECTED and row[-1].strip() == str(socket) for row in rows[1:])


def _end_with_parent() -> None:
    """Let the kernel stop the daemon if this process is killed, which cannot be caught."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch(place: Place, daemon: subprocess.Popen[bytes], stopping: Event) -> None:
    idle = idle_seconds()
    last_used = time.time()
    while daemon.poll() is None and not stopping.wait(min(_POLL_SECONDS, idle / 4)):
        if connections(place.socket):
            last_used = time.time()
        elif time.time() - max(last_used, place.used.stat().st_mtime) > idle:
            # A client that is about to use the daemon holds this lock.
            with place.locked():
                if time.time() - place.used.stat().st_mtime > idle:
                    _end(daemon)
                    return


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
