"""Load an exported image into the local Docker with ``docker load``."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

from llb.child_processes import environment
from llb.client.export.destinations import copy_stream
from llb.errors import Hint, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.grpc import ServerCall


class DockerReceiver:
    """A temporary archive of an image, which commit loads with the ``docker`` command."""

    destination = "docker"

    def __init__(self) -> None:
        if shutil.which("docker") is None:
            raise InputError(
                "docker is not on PATH, but is needed to load the image",
                hint=Hint(
                    'write an archive with llb.client.docker("image.tar")',
                    command="write an archive with -o type=docker,dest=image.tar",
                ),
            )
        self._archive = tempfile.TemporaryFile()  # noqa: SIM115 - abort closes it

    def receive(self, call: ServerCall) -> None:
        """Receive the archive."""
        try:
            copy_stream(call, self._archive)
        except OSError as error:
            raise InputError(f"cannot keep the image for docker: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Load the image into Docker."""
        self._archive.seek(0)
        result = subprocess.run(
            ["docker", "load"],
            env=environment(),
            stdin=self._archive,
            capture_output=True,
            check=False,
        )
        if result.returncode:
            reason = " ".join(result.stderr.decode(errors="replace").split())
            raise InputError(f"docker did not load the image: {reason}")

    def abort(self) -> None:
        """Discard the archive."""
        self._archive.close()
