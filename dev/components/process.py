"""Start a daemon of the stack, wait until it is ready, and stop it by its pid."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from components.settings import Settings, StackError, program_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Daemon:
    """A daemon process with its config files and readiness check."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    port: int | None = None
    files: Mapping[Path, str] = field(default_factory=dict)

    @property
    def recipe(self) -> str:
        """A hash of the command and config files."""
        files = {str(path): content for path, content in self.files.items()}
        parts = json.dumps([self.command, files])
        return hashlib.sha256(parts.encode()).hexdigest()


def up(daemon: Daemon, settings: Settings) -> None:
    """Start `daemon`, or restart it if its recipe changed.

    Raises StackError with the end of its log if it exits or is not ready within a minute.
    """
    record = _read_record(daemon.name, settings)
    # On a busy machine a running daemon may answer late; others use it, so it is not restarted.
    if (
        record
        and record["recipe"] == daemon.recipe
        and _becomes_ready(daemon, lambda: pid(daemon.name, settings) is not None)
    ):
        return
    down(daemon.name, settings)
    if daemon.port and _is_in_use(daemon.port):
        raise StackError(f"port {daemon.port} of {daemon.name} is in use by another program")
    for path, content in daemon.files.items():
        path.write_text(content)
    log = settings.folder("log") / f"{daemon.name}.log"
    with log.open("wb") as sink:
        child = subprocess.Popen(
            daemon.command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            # Git needs a working directory that exists as long as buildkitd runs.
            cwd="/",
            start_new_session=True,
            env=os.environ | {"PATH": program_path()},
        )
    _write_record(daemon, child.pid, settings)
    _wait_until_ready(daemon, child, log)


def down(name: str, settings: Settings) -> bool:
    """Stop the daemon `name` if this stack runs it; return whether it was running."""
    record = _read_record(name, settings)
    if record:
        _stop(int(record["pid"]))
    _record_path(name, settings).unlink(missing_ok=True)
    return record is not None


def pid(name: str, settings: Settings) -> int | None:
    """Look up the process id of the daemon `name`; None if this stack does not run it."""
    record = _read_record(name, settings)
    return int(record["pid"]) if record else None


def _is_in_use(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until_ready(daemon: Daemon, child: subprocess.Popen[bytes], log: Path) -> None:
    if _becomes_ready(daemon, lambda: child.poll() is None):
        return
    problem = "is not ready" if child.returncode is None else f"exited with {child.returncode}"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    if child.returncode is None:
        _stop(child.pid)
    raise StackError(f"{daemon.name} {problem}; the end of {log}:\n{tail}")


def _becomes_ready(daemon: Daemon, is_running: Callable[[], bool]) -> bool:
    """Wait until a running daemon is ready, at most a minute; False if it exits before."""
    deadline = time.monotonic() + START_SECONDS
    while is_running() and time.monotonic() < deadline:
        if daemon.ready():
            return True
        time.sleep(POLL_SECONDS)
    return False


def _stop(process: int) -> None:
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(handle, number)
            if watch.poll(STOP_SECONDS * 1000):
                return
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _record_path(name: str, settings: Settings) -> Path:
    return settings.folder("run") / f"{name}.json"


def _write_record(daemon: Daemon, process: int, settings: Settings) -> None:
    record = {"pid": process, "started": _start_time(process), "recipe": daemon.recipe}
    _record_path(daemon.name, settings).write_text(json.dumps(record))


def _read_record(name: str, settings: Settings) -> dict[str, str | int] | None:
    """Read the record of a daemon; None if it is not running."""
    try:
        record: dict[str, str | int] = json.loads(_record_path(name, settings).read_text())
    except FileNotFoundError:
        return None
    return record if record["started"] == _start_time(int(record["pid"])) else None


def _start_time(process: int) -> str | None:
    """Read the start time of `process`, which distinguishes it from a later one with its pid."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, a name in parentheses, may contain spaces; state is the third, start the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
