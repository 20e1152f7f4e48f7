"""Run the two clients as commands, and the daemon that both use."""

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
    """Build with the command of this package."""
    command = ["-m", "llb", "build", str(definition), "--progress", progress]
    return run([sys.executable, *command, *arguments])


def theirs(definition: Path, *arguments: str, progress: str = "plain") -> Run:
    """Build with the stock client, which has no quiet display."""
    return run([BUILDCTL, "build", "--progress", progress, *arguments], stdin=definition)


def buildctl(*arguments: str) -> str:
    """Run another command of the stock client and return its output."""
    process = subprocess.run([BUILDCTL, *arguments], check=True, capture_output=True, text=True)
    return process.stdout


def write_definition(path: Path, state: State) -> Path:
    """Write a definition to a file; return its path."""
    path.write_bytes(state.marshal().to_bytes())
    return path


def usage(du_filter: str) -> list[dict[str, int]]:
    """List the records of the daemon's disk usage that match a filter."""
    output = buildctl("du", "--filter", du_filter, "--format", "{{json .}}")
    records: list[dict[str, int]] = json.loads(output) or []
    return records


def alternate_warm(case: str, count: int, work: Callable[[Build], Run]) -> Pairs:
    """Measure pairs after one warm-up run of each client."""
    work(theirs)
    work(ours)
    return alternate(case, count, partial(work, ours), partial(work, theirs))


@contextmanager
def separate_daemon(folder: Path) -> Iterator[None]:
    """Run a new daemon for both clients, which may be pruned and does not clip logs."""
    unlimited = {"BUILDKIT_STEP_LOG_MAX_SIZE": "-1", "BUILDKIT_STEP_LOG_MAX_SPEED": "-1"}
    folder.mkdir()
    with (folder / "log").open("wb") as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as up:
        # The daemon notifies its service manager by a datagram when its socket is open.
        up.bind(str(folder / "ready"))
        up.settimeout(_START_SECONDS)
        daemon = subprocess.Popen(
            [ROOT / "dev" / "stack", "daemon", folder],
            stdout=log,
            stderr=log,
            env={**os.environ, **unlimited, "NOTIFY_SOCKET": str(folder / "ready")},
        )
        previous = os.environ[_HOST]
        try:
            up.recv(64)
            os.environ[_HOST] = f"unix://{folder}/buildkitd.sock"
            yield
        finally:
            os.environ[_HOST] = previous
            daemon.terminate()
            daemon.wait(_START_SECONDS)
