"""Load an exported image into the local Docker, or into podman, while the daemon sends it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.child_processes import environment
from llb.client.connect.address import DOCKER
from llb.client.export.destinations import copy_stream
from llb.errors import Hint, InputError, TransportError

with lazy_imports(__name__):
    from llb.client.connect.docker import (
        contexts,  # 4 ms
        engine,  # 24 ms
        images,  # 1 ms
    )

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.client.export.receivers import Receiver
    from llb.grpc import ServerCall

_PODMAN = "podman-container://"
_ARCHIVE = Hint(
    'write an archive with llb.client.docker("image.tar")',
    command="write an archive with -o type=docker,dest=image.tar",
)


def loader(address: str) -> Receiver:
    """Create the receiver that loads an image for the client of a daemon.

    A BuildKit in a container of podman loads into podman, and any other into the Docker that
    ``docker://`` finds. Raises InputError if that one does not answer.
    """
    return PodmanReceiver() if address.startswith(_PODMAN) else DockerReceiver()


class DockerReceiver:
    """An image that Docker receives as the daemon sends it, and loads on commit."""

    destination = "docker"

    def __init__(self) -> None:
        docker = engine.Docker(contexts.find_endpoint(DOCKER))
        try:
            docker.ping()
        except TransportError as error:
            raise InputError(
                f"cannot load the image into Docker: {error.message}", hint=error.hint or _ARCHIVE
            ) from error
        self._load = images.Load(engine.Engine(docker))

    def receive(self, call: ServerCall) -> None:
        """Pass the archive on to Docker."""
        copy_stream(call, self)

    def write(self, data: bytes) -> None:
        """Pass a part of the archive on; raises InputError."""
        with _refusals():
            self._load.write(data)

    def flush(self) -> None:
        """Do nothing: only the commit completes the archive."""

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Load the image."""
        with _refusals():
            self._load.commit()

    def abort(self) -> None:
        """Close the connection; Docker discards an image that is not complete."""
        self._load.close()


class PodmanReceiver:
    """A temporary archive of an image, which commit loads with the program ``podman``."""

    destination = "podman"

    def __init__(self) -> None:
        if shutil.which("podman") is None:
            raise InputError(
                "podman is not on PATH, but is needed to load the image", hint=_ARCHIVE
            )
        self._archive = tempfile.TemporaryFile()  # noqa: SIM115 - abort closes it

    def receive(self, call: ServerCall) -> None:
        """Receive the archive."""
        try:
            copy_stream(call, self._archive)
        except OSError as error:
            raise InputError(f"cannot keep the image for podman: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Load the image into podman."""
        self._archive.seek(0)
        result = subprocess.run(
            ["podman", "load", "--quiet"],
            env=environment(),
            stdin=self._archive,
            capture_output=True,
            check=False,
        )
        if result.returncode:
            reason = " ".join(result.stderr.decode(errors="replace").split())
            raise InputError(f"podman did not load the image: {reason}")

    def abort(self) -> None:
        """Discard the archive."""
        self._archive.close()


@contextmanager
def _refusals() -> Iterator[None]:
    """Translate errors of Docker's API."""
    try:
        yield
    except TransportError as error:
        message = f"docker did not load the image: {error.message}"
        raise InputError(message, hint=error.hint) from error
