"""Where exports go: a directory, a file, or an open stream."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, BinaryIO

from llb._pb import filesync_pb2
from llb.atomic_write import PREFIX, WholeFile
from llb.client.export.receive_tree import receive_tree
from llb.client.export.staging import make_staging
from llb.errors import InputError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.grpc import ServerCall


class LocalReceiver:
    """A directory for a tree, or for several at a time, one of each platform.

    They are received beside their place. A new directory is moved there whole; in
    one that exists, files are added and replaced, as with buildctl. With ``exact``,
    what is there and in no tree is removed.
    """

    def __init__(self, destination: Path, *, exact: bool = False) -> None:
        if destination.exists() and not destination.is_dir():
            raise InputError(
                f"cannot export to {destination}: it is not a directory",
                hint="name a directory, or use type=tar,dest=FILE",
            )
        self.destination = str(destination)
        self._place = destination
        self._exact = exact
        self._lock = threading.Lock()
        self._staging: Path | None = None
        self._trees: list[Path] = []

    def receive(self, call: ServerCall) -> None:
        """Take a tree."""
        receive_tree(call, self._new_tree(), self._place)

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Put the trees in their place; a second call does nothing."""
        if not self._trees:
            return
        whole, *others = self._trees
        for other in others:
            _merge(other, whole)
        if self._place.exists():
            if self._exact:
                _remove_others(whole, self._place)
            _merge(whole, self._place)
        else:
            whole.rename(self._place)
        self.abort()

    def abort(self) -> None:
        """Throw the trees away."""
        with self._lock:
            self._trees.clear()
            if self._staging is not None:
                shutil.rmtree(self._staging, ignore_errors=True)
                self._staging = None

    def _new_tree(self) -> Path:
        with self._lock:
            if self._staging is None:
                self._staging = make_staging(self._place)
            tree = self._staging / str(len(self._trees))
            tree.mkdir()
            self._trees.append(tree)
        return tree


class FileReceiver:
    """A file for a stream: replaced when it is complete, or written through (:class:`WholeFile`)."""

    def __init__(self, destination: Path) -> None:
        if destination.is_dir():
            raise InputError(
                f"cannot export to {destination}: it is a directory, and a file is wanted",
                hint=f"for example dest={destination / 'image.tar'}",
            )
        self.destination = str(destination)
        self._folder = destination.parent
        self._file = WholeFile(destination)
        self._is_used = False

    def receive(self, call: ServerCall) -> None:
        """Take the stream."""
        if self._is_used:
            raise TransportError(f"the daemon sent a second file for {self.destination}")
        self._is_used = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file.open() as file:
                copy_stream(call, file)
        except OSError as error:
            raise InputError(f"cannot export to {self.destination}: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Give the file its name; a second call does nothing."""
        self._file.commit()

    def abort(self) -> None:
        """Remove the file."""
        self._file.abort()


class StreamReceiver:
    """An open stream for a stream, such as standard output; what was written stays written."""

    destination = "standard output"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def receive(self, call: ServerCall) -> None:
        """Pass the stream on."""
        try:
            copy_stream(call, self._stream)
        except OSError as error:
            raise InputError(f"cannot write the output: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:
        """Do nothing: everything was passed on."""

    def abort(self) -> None:
        """Do nothing: what was passed on cannot be taken back."""


def copy_stream(call: ServerCall, file: BinaryIO) -> None:
    """Write what comes as pieces of a stream. Raises OSError."""
    while (data := call.receive()) is not None:
        file.write(filesync_pb2.BytesMessage.FromString(data).data)
    file.flush()


def _merge(staging: Path, destination: Path) -> None:
    """Move everything below ``staging`` into ``destination``, over what is there."""
    for entry in os.scandir(staging):
        target = destination / entry.name
        is_directory = entry.is_dir(follow_symlinks=False)
        if is_directory and target.is_dir() and not target.is_symlink():
            _merge(staging / entry.name, target)
            shutil.copystat(entry.path, target)
            continue
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif is_directory and (target.exists() or target.is_symlink()):
            target.unlink()
        os.replace(entry.path, target)  # noqa: PTH105 - paths of scandir are strings


def _remove_others(staging: Path, destination: Path) -> None:
    """Remove what is below ``destination`` and not below ``staging``, results apart."""
    for entry in os.scandir(destination):
        ours = staging / entry.name
        is_directory = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(PREFIX):
            continue
        if is_directory and ours.is_dir() and not ours.is_symlink():
            _remove_others(ours, destination / entry.name)
        elif not os.path.lexists(ours):
            target = destination / entry.name
            shutil.rmtree(target) if is_directory else target.unlink()
