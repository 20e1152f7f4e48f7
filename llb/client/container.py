"""A BuildKit in a container of Docker's, which is made and started when it is asked for."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.child_processes import environment
from llb.client.client import Client
from llb.client.connect.program_pipe import not_started
from llb.client.connect.retry import retried
from llb.errors import ConnectError, InputError, InvalidValueError

if TYPE_CHECKING:
    from attrs import Attribute

# As Docker has it, where a name has two letters at least.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+\Z")
_STATE = "/var/lib/buildkit"
_LOG_LINES = 5


def _check_name(container: BuildKitContainer, attribute: Attribute[str], name: str) -> None:  # noqa: ARG001
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid container {name!r}: expected letters, digits, and _ . - after the first"
        )


@frozen
class BuildKitContainer:
    """A container with a BuildKit, by its name; ``docker`` has to be on PATH.

    ``image`` is what it is made of where it is not there yet, with ``buildkitd`` as what it
    runs and ``buildctl`` in it, and ``network`` one of Docker's, by itself the usual one. Its
    cache is a volume, named after it. It is privileged, as a BuildKit makes containers.
    """

    name: str = field(validator=_check_name)
    image: str = "moby/buildkit"
    network: str | None = None

    @property
    def address(self) -> str:
        """The address for a client."""
        return f"docker-container://{self.name}"

    def start(self, *, timeout: float = 60.0) -> Client:
        """Return a client once the BuildKit answers; what is not there or stopped is started.

        Raises ConnectError where Docker refuses or nothing answers in ``timeout`` seconds,
        and InputError where the container ends instead.
        """
        state = self._state()
        if state is None:
            network = () if self.network is None else (f"--network={self.network}",)
            volume = f"--volume={self._volume}:{_STATE}"
            _docker(
                *("run", "--detach", "--privileged", f"--name={self.name}", volume),
                *(*network, self.image),
            )
        elif state != "running":
            _docker("start", self.name)
        return retried(self._connect, timeout)

    def stop(self) -> bool:
        """Stop it, with its cache kept; return whether it ran. Raises ConnectError."""
        if self._state() != "running":
            return False
        _docker("stop", self.name)
        return True

    def remove(self) -> bool:
        """Remove it, running or not, and its cache; return whether it was there.

        Raises ConnectError.
        """
        is_there = self._state() is not None
        if is_there:
            _docker("rm", "--force", self.name)
            _docker("volume", "rm", "--force", self._volume)
        return is_there

    @property
    def _volume(self) -> str:
        return f"{self.name}_state"

    def _connect(self) -> Client:
        try:
            return Client(self.address)
        except ConnectError:
            if self._state() == "running":
                raise
            done = _docker("logs", f"--tail={_LOG_LINES}", self.name)
            log = " / ".join((done.stdout + done.stderr).splitlines())
            raise InputError(
                f"the container {self.name} ended before a BuildKit answered: {log}",
                hint="its image has to run buildkitd; remove it with "
                f"`llb daemon stop --container {self.name} --remove`",
            ) from None

    def _state(self) -> str | None:
        """Return Docker's word for its state, None where there is no such container."""
        name = re.escape(self.name)
        done = _docker("ps", "--all", f"--filter=name=^/{name}$", "--format={{.State}}")
        return done.stdout.strip() or None


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Docker's CLI, and return what it printed; raises ConnectError where it fails."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            check=False,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ConnectError(
            not_started("docker", error),
            hint="a BuildKit in a container needs Docker and its command line",
        ) from error
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise ConnectError(f"docker {arguments[0]} failed: {words}")
    return done
