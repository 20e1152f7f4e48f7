"""The two clients as commands, and the daemon that both talk to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.pairs import BUILDCTL, ROOT, Pairs, Run, alternate, run

if TYPE_CHECKING:
    from pathlib import Path

    from llb import State

Build = Callable[..., Run]
_HOST = "BUILDKIT_HOST"
_START_SECONDS = 60


def ours(definition: Path, *arguments: str, progress: str = "quiet") -> Run:
    """Build with this package's command."""
    command = ["-m", "llb", "build", str(definition), "--progress", progress]
    return run([sys.executable, *command, *arguments])


def theirs(definition: Path, *arguments: str, progress: str = "plain") -> Run:
    """Build with the stock client, which has no quiet display."""
    return run([BUILDCTL, "build", "--progress", progress, *arguments], stdin=definition)


def buildctl(*arguments: str) -> str:
    """Run the stock client for something else; return what it printed."""
    done = subprocess.run([BUILDCTL, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def write_definition(path: Path, state: State) -> Path:
    """Write what is built to a file; return the file."""
    path.write_bytes(state.marshal().to_bytes())
    return path


def usage(chosen: str) -> list[dict[str, int]]:
    """Return the records of the daemon's disk usage that a filter lets through."""
    shown = buildctl("du", "--filter", chosen, "--format", "{{json .}}")
    found: list[dict[str, int]] = json.loads(shown) or []
    return found


def warmed(case: str, count: int, work: Callable[[Build], Run]) -> Pairs:
    """Measure pairs of something that each client did once before."""
    work(theirs)
    work(ours)
    return alternate(case, count, partial(work, ours), partial(work, theirs))


@contextmanager
def own_daemon(folder: Path) -> Iterator[None]:
    """Have both clients talk to a new daemon, which may be emptied and clips no logs."""
    unlimited = {"BUILDKIT_STEP_LOG_MAX_SIZE": "-1", "BUILDKIT_STEP_LOG_MAX_SPEED": "-1"}
    folder.mkdir()
    with (folder / "log").open("wb") as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as up:
        # The daemon tells a service manager, by a datagram, that its socket is open.
        up.bind(str(folder / "ready"))
        up.settimeout(_START_SECONDS)
        daemon = subprocess.Popen(
            [ROOT / "dev" / "stack", "daemon", folder],
            stdout=log,
            stderr=log,
            env={**os.environ, **unlimited, "NOTIFY_SOCKET": str(folder / "ready")},
        )
        before = os.environ[_HOST]
        try:
            up.recv(64)
            os.environ[_HOST] = f"unix://{folder}/buildkitd.sock"
            yield
        finally:
            os.environ[_HOST] = before
            daemon.terminate()
            daemon.wait(_START_SECONDS)
