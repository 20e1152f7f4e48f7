"""A BuildKit daemon in a Docker container, created and started on demand."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked, checked_init
from llb.arguments.conversions import Duration, to_seconds
from llb.child_processes import environment
from llb.client.client import Client
from llb.client.connect.program_pipe import start_failure
from llb.client.connect.retry import retried
from llb.errors import ConnectError, InputError, InvalidValueError

if TYPE_CHECKING:
    from attrs import Attribute

# Docker's own rule: a name has at least two characters.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+\Z")
_STATE = "/var/lib/buildkit"
_LOG_LINES = 5


def _check_name(container: BuildKitContainer, attribute: Attribute[str], name: str) -> None:  # noqa: ARG001
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid container {name!r}: expected letters, digits, and _ . - after the first"
        )


@checked_init
@frozen
class BuildKitContainer:
    """A Docker container that runs BuildKit, by its name; ``docker`` must be on PATH.

    If the container does not exist it is created from ``image``, which must run ``buildkitd`` and
    contain ``buildctl``, on the Docker network ``network`` (by default Docker's default network).
    The build cache is a volume named after the container. The container is privileged, because
    BuildKit itself creates containers.
    """

    name: str = field(validator=_check_name)
    image: str = "moby/buildkit"
    network: str | None = None

    @property
    def address(self) -> str:
        """The container's address for a client."""
        return f"docker-container://{self.name}"

    @checked
    def start(self, *, timeout: Duration = 60.0) -> Client:
        """Create or start the container if necessary, and connect once BuildKit answers.

        Raises ConnectError if Docker fails or nothing answers within ``timeout`` seconds, and
        InputError if the container exits.
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
        return retried(self._connect, to_seconds(timeout))

    def stop(self) -> bool:
        """Stop the container but keep its cache; return whether it ran. Raises ConnectError."""
        if self._state() != "running":
            return False
        _docker("stop", self.name)
        return True

    def remove(self) -> bool:
        """Remove the container, running or not, and its cache; return whether it existed.

        Raises ConnectError.
        """
        exists = self._state() is not None
        if exists:
            _docker("rm", "--force", self.name)
            _docker("volume", "rm", "--force", self._volume)
        return exists

    @property
    def _volume(self) -> str:
        return f"{self.name}_state"

    def _connect(self) -> Client:
        try:
            return Client(self.address)
        except ConnectError:
            if self._state() == "running":
                raise
            result = _docker("logs", f"--tail={_LOG_LINES}", self.name)
            log = " / ".join((result.stdout + result.stderr).splitlines())
            raise InputError(
                f"the container {self.name} ended before a BuildKit answered: {log}",
                hint="its image must run buildkitd; remove it with "
                f"`llb daemon stop --container {self.name} --remove`",
            ) from None

    def _state(self) -> str | None:
        """Query Docker's word for the container's state, None if it does not exist."""
        name = re.escape(self.name)
        result = _docker("ps", "--all", f"--filter=name=^/{name}$", "--format={{.State}}")
        return result.stdout.strip() or None


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Docker's CLI and capture its output; raises ConnectError if it fails."""
    try:
        result = subprocess.run(
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
            start_failure("docker", error),
            hint="a BuildKit in a container needs Docker and its command line",
        ) from error
    if result.returncode:
        reason = " ".join(result.stderr.split())
        raise ConnectError(f"docker {arguments[0]} failed: {reason}")
    return result
