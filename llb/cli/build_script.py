"""Run a build script in another process, and receive its definition and image config."""

from __future__ import annotations

import os
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING, Self

import click
from attrs import frozen

from llb._lazy import lazy_imports
from llb.child_processes import environment, python
from llb.definition.definition import Definition
from llb.errors import InputError
from llb.script.main import FAILED, IMAGE_CONFIG_FD, RESOLVER_FD

with lazy_imports(__name__):
    import subprocess  # 1 ms

    from llb.script import image_requests  # 2 ms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llb.script.image_requests import ImageRequests
    from llb.sources.image_resolver import ResolvedImage

_INHERITS_DESCRIPTORS = sys.platform != "win32"


@frozen
class LoadedDefinition:
    """A definition from a script, file or pipe, with its image config if any."""

    definition: Definition
    image_config: bytes | None


class BuildScript:
    """A running build script; leaving the context ends it.

    ``with_config`` also requests its image config. With ``resolves``, the script waits for its base
    images: call :meth:`requests`, and :meth:`answer` if there are images. Without, it warns of
    them. Raises InputError on Windows, where a program inherits no descriptors.
    """

    def __init__(self, path: Path, *, with_config: bool = True, resolves: bool = False) -> None:
        if not _INHERITS_DESCRIPTORS:
            raise InputError(
                f"cannot run the build script {path}: on Windows it cannot answer llb build",
                hint=f"run `python {path} | llb build -`, or mark a function that returns the state "
                "with @target from llb.buildfile",
            )
        self._path = path
        self._printed, self._config, self._is_finished = b"", b"", False
        self._connection, theirs = socket.socketpair()
        read, write = os.pipe()
        descriptors = {IMAGE_CONFIG_FD: write} if with_config else {}
        if resolves:
            descriptors[RESOLVER_FD] = theirs.fileno()
        try:
            self._process = subprocess.Popen(
                python("-m", "llb.script", str(path)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env=environment({name: str(number) for name, number in descriptors.items()}),
                pass_fds=list(descriptors.values()),
            )
        finally:
            os.close(write)
            theirs.close()
        self._readers = [
            Thread(target=self._read_config, args=(read,), daemon=True),
            Thread(target=self._read_output, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the script, if it still runs."""
        self._connection.close()
        if not self._is_finished:
            self._process.kill()
            self._process.wait()

    def requests(self) -> ImageRequests:
        """Wait until the script knows its base images; it has none if it ends without a state."""
        with self._connection.makefile("rb") as stream:
            line = stream.readline()
        return image_requests.ImageRequests.from_line(line or b'{"images": [], "locals": []}')

    def answer(self, images: Iterable[ResolvedImage]) -> None:
        """Send the resolved images to the script, in the order of its requests."""
        try:
            self._connection.sendall(image_requests.answers_to_line(images))
        except OSError:
            # The script has ended, and result() reports why.
            return

    def result(self) -> LoadedDefinition:
        """Wait for the end of the script. Raises InputError, and Exit for a reported error."""
        for reader in self._readers:
            reader.join()
        status = self._process.wait()
        self._is_finished = True
        if status == FAILED:
            raise click.exceptions.Exit(1)
        if status:
            raise InputError(f"the build script {self._path} failed with exit status {status}")
        if not self._printed and not self._config:
            raise InputError(
                f"the build script {self._path} printed no definition",
                hint="end a script with llb.main(state), or mark a function that returns the state "
                "with @target from llb.buildfile",
            )
        return LoadedDefinition(Definition.from_bytes(self._printed), self._config or None)

    def _read_config(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as pipe:
            self._config = pipe.read()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            self._printed = stream.read()
