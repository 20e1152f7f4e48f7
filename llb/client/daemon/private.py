"""Start and stop the private daemon: the user's buildkitd, started on demand.

Its state is in the user's cache directory. Its supervisor (:mod:`llb.client.daemon.supervisor`)
stops it when no client has been connected for a while.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from llb.buildkit_names import BUILDKIT_IMAGE
from llb.child_processes import environment, python
from llb.client.connect.address import VARIABLE, listens
from llb.errors import ConnectError, Hint, InvalidValueError
from llb.local_files import locks, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

IDLE_VARIABLE = "LLB_DAEMON_IDLE"
_IDLE_SECONDS = 600.0
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.05
_LOG_LINES = 5
# Elsewhere, BuildKit runs in the Linux machine of another program.
_IS_POSSIBLE = sys.platform == "linux"


class MissingProgramError(ConnectError):
    """A program of the private daemon is not installed."""


@frozen
class Place:
    """The files of a private daemon, below ``folder``."""

    folder: Path

    @classmethod
    def default(cls) -> Place:
        """Locate the folder in the user's cache directory."""
        cache = os.environ.get("XDG_CACHE_HOME") or paths.home() / ".cache"
        return cls(Path(cache).absolute() / "pyllb" / "buildkitd")

    @property
    def socket(self) -> Path:
        """The socket that the daemon listens on."""
        return self.folder / "buildkitd.sock"

    @property
    def address(self) -> str:
        """The daemon's address for a client."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """The daemon's output since its last start."""
        return self.folder / "log"

    @property
    def config(self) -> Path:
        """The user's buildkitd.toml, which is used if it exists."""
        return self.folder / "buildkitd.toml"

    @property
    def pid(self) -> Path:
        """The process id of the supervisor."""
        return self.folder / "pid"

    @property
    def used(self) -> Path:
        """A file whose modification time is the daemon's last use."""
        return self.folder / "used"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for starting and stopping the daemon.

        Raises ConnectError for a folder that cannot be used, or that belongs to another user: its
        buildkitd.toml names programs that this user would run.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if sys.platform != "win32" and self.folder.stat().st_uid != os.getuid():
                raise _unusable(self, "it belongs to another user")
            self.folder.chmod(0o700)
            lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise _unusable(self, error.strerror) from error
        with lock:
            locks.lock(lock.fileno())
            yield


def start(place: Place | None = None) -> str:
    """Start the private daemon unless it runs, and return its address.

    Raises MissingProgramError if buildkitd is not installed, ConnectError if it does not start or its
    folder cannot be used, and InvalidValueError for an invalid idle timeout.
    """
    idle_seconds()
    if not _IS_POSSIBLE:
        raise MissingProgramError(
            "no BuildKit found: no address is given, and no default socket answers",
            hint=_ways_to_a_daemon(),
        )
    place = place or Place.default()
    with place.locked():
        place.used.touch()
        if not is_up(place):
            _start(place)
    return place.address


def idle_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Read the idle timeout after which the daemon stops, in seconds; raises InvalidValueError.

    >>> idle_seconds({"LLB_DAEMON_IDLE": "60"})
    60.0
    """
    value = environ.get(IDLE_VARIABLE) or str(_IDLE_SECONDS)
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InvalidValueError(
            f"invalid {IDLE_VARIABLE} {value!r}: expected a number of seconds above 0"
        )
    return seconds


def stop(place: Place | None = None) -> bool:
    """Stop the private daemon; return whether it was running. Raises ConnectError."""
    place = place or Place.default()
    with place.locked():
        supervisor = running(place)
        if supervisor is None:
            return False
        os.kill(supervisor, signal.SIGTERM)
        _wait_until(lambda: running(place) is None, STOP_SECONDS)
    return True


def running(place: Place) -> int | None:
    """Find the process id of the supervisor, None if it does not run.

    The supervisor holds a lock on the file with its process id, so a stale id that another process
    has since received is not mistaken for it. Raises ConnectError if the file cannot be read.
    """
    try:
        with place.pid.open() as file:
            if not locks.try_lock(file.fileno(), shared=True):
                # The file is empty until the supervisor has written its id.
                return int(file.read() or 0) or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(place, error.strerror) from error
    return None


def is_up(place: Place) -> bool:
    """Check whether something listens on the daemon's socket."""
    return listens(place.socket)


def _unusable(place: Place, reason: str | None) -> ConnectError:
    return ConnectError(
        f"cannot use {place.folder} for the private daemon: {reason}",
        hint="name another cache folder with XDG_CACHE_HOME",
    )


def _ways_to_a_daemon() -> Hint:
    """List the ways to a daemon, for programs and for the command line."""
    install = "install buildkitd and runc, and one is started on demand; or "
    ways = (
        f"{install if _IS_POSSIBLE else ''}start Docker 18.09 or later; or run one in a container, "
        f"docker run -d --privileged --name builder {BUILDKIT_IMAGE}, and name it with"
    )
    container = "docker-container://builder"
    return Hint(
        f"name a daemon, Client(ADDRESS) or {VARIABLE}; or {ways} Client({container!r})",
        command=f"name a daemon with --addr or {VARIABLE}; or {ways} --addr {container}",
    )


def command(place: Place) -> list[str]:
    """Build the daemon's command line, rootless for users other than root.

    Raises MissingProgramError.
    """
    buildkitd = shutil.which("buildkitd")
    if buildkitd is None:
        raise MissingProgramError(
            "no BuildKit found: no address is given, no default socket answers, "
            "and buildkitd is not on PATH",
            hint=_ways_to_a_daemon(),
        )
    wrapper = []
    if not _is_root():
        rootlesskit = shutil.which("rootlesskit")
        if rootlesskit is None:
            raise MissingProgramError(
                "a rootless BuildKit needs rootlesskit, which is not on PATH",
                hint=Hint(
                    f"install rootlesskit and uidmap, or name a daemon: Client(ADDRESS) or {VARIABLE}",
                    command="install rootlesskit and uidmap, or name a daemon with --addr",
                ),
            )
        wrapper = [rootlesskit, "--net=host", "--copy-up=/etc"]
    config = ["--config", str(place.config)] if paths.exists(place.config) else []
    rootless = ["--rootless"] if wrapper else []
    state = ["--root", str(place.folder / "root"), "--addr", place.address]
    traces = ["--otel-socket-path", str(place.folder / "otel.sock")]
    return [*wrapper, buildkitd, *config, *state, *traces, *rootless]


def _start(place: Place) -> None:
    arguments = command(place)
    with place.log.open("wb") as log:
        supervisor = subprocess.Popen(
            python("-m", "llb.client.daemon.supervisor", str(place.folder), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(place),
            # Git needs a working directory that exists as long as the daemon runs.
            cwd="/",
            start_new_session=True,
        )
    _wait_until(lambda: is_up(place) or supervisor.poll() is not None, START_SECONDS)
    if not is_up(place):
        supervisor.terminate()
        lines = place.log.read_text(errors="replace").splitlines()
        raise ConnectError(
            f"the private buildkitd did not start: {' / '.join(lines[-_LOG_LINES:])}",
            hint=f"the full log is in {place.log}",
        )


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _environment(place: Place) -> dict[str, str]:
    """Build the daemon's environment; a rootless runc keeps its state in the user's folder."""
    if _is_root():
        return environment()
    runtime = place.folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    return environment({"XDG_RUNTIME_DIR": str(runtime)})


def _wait_until(is_done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
