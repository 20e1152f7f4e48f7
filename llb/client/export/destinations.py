"""Destinations of exports: a directory, a file, or an open stream."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Protocol

from google.protobuf.message import DecodeError

from llb._pb import filesync_pb2
from llb.client.export.receive_tree import receive_tree
from llb.client.export.staging import make_staging
from llb.errors import InputError, TransportError
from llb.local_files import merging, paths
from llb.local_files.atomic_write import WholeFile
from llb.local_files.writable import check_directory, check_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.grpc import ServerCall
    from llb.local_files.staging import StagingFolder


class LocalReceiver:
    """A directory that receives a tree, or several concurrently, one per platform.

    Trees are received into a staging folder next to it. A new directory is then moved into place
    as a whole; in an existing one, files are added and replaced, as buildctl does. With
    ``exact``, files that are in no tree are removed.
    """

    def __init__(self, destination: Path, *, exact: bool = False) -> None:
        if paths.exists(destination) and not paths.is_dir(destination):
            raise InputError(
                f"cannot export to {destination}: it is not a directory",
                hint="name a directory, or use type=tar,dest=FILE",
            )
        check_directory(destination)
        self.destination = str(destination)
        self._path = destination
        self._exact = exact
        self._lock = threading.Lock()
        self._staging: StagingFolder | None = None
        self._trees: list[Path] = []

    def receive(self, call: ServerCall) -> None:
        """Receive a tree."""
        receive_tree(call, self._new_tree(), self._path)

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Move the trees into place; a second call does nothing."""
        if not self._trees:
            return
        merged, *further = self._trees
        for tree in further:
            merging.merge(str(tree), str(merged))
        if paths.exists(self._path):
            if self._exact:
                merging.remove_others(str(merged), str(self._path))
            merging.merge(str(merged), str(self._path))
        else:
            merged.rename(self._path)
        self.abort()

    def abort(self) -> None:
        """Discard the trees."""
        with self._lock:
            self._trees.clear()
            if self._staging is not None:
                # A receiver that is still writing may add files meanwhile.
                with suppress(OSError):
                    self._staging.remove()
                    self._staging = None

    def _new_tree(self) -> Path:
        with self._lock:
            if self._staging is None:
                self._staging = make_staging(self._path)
            tree = self._staging.path / str(len(self._trees))
            tree.mkdir()
            self._trees.append(tree)
        return tree


class FileReceiver:
    """A file that receives a stream, replaced on commit or written through (:class:`WholeFile`)."""

    def __init__(self, destination: Path) -> None:
        if paths.is_dir(destination):
            raise InputError(
                f"cannot export to {destination}: it is a directory, expected a file",
                hint=f"for example dest={destination / 'image.tar'}",
            )
        check_file(destination, creates_folder=True)
        self.destination = str(destination)
        self._folder = destination.parent
        self._file = WholeFile(destination)
        self._has_received = False

    def receive(self, call: ServerCall) -> None:
        """Receive the stream."""
        if self._has_received:
            raise TransportError(f"the daemon sent a second file for {self.destination}")
        self._has_received = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file.open() as file:
                copy_stream(call, file)
        except OSError as error:
            raise InputError(f"cannot export to {self.destination}: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:  # noqa: ARG002 - nothing to name
        """Move the file into place; a second call does nothing."""
        self._file.commit()

    def abort(self) -> None:
        """Discard the file."""
        self._file.abort()


class StreamReceiver:
    """An open stream, such as standard output; what has been written cannot be undone."""

    destination = "standard output"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def receive(self, call: ServerCall) -> None:
        """Copy the daemon's stream to the open one."""
        try:
            copy_stream(call, self._stream)
        except OSError as error:
            raise InputError(f"cannot write the output: {error.strerror}") from error

    def commit(self, answers: Mapping[str, str]) -> None:
        """Do nothing: everything has been written."""

    def abort(self) -> None:
        """Do nothing: written bytes cannot be taken back."""


class Sink(Protocol):
    """Something that is written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of the data."""

    def flush(self) -> object:
        """Write what is buffered."""


def copy_stream(call: ServerCall, file: Sink) -> None:
    """Copy the messages of a stream to a file. Raises OSError, and TransportError."""
    while (data := call.receive()) is not None:
        file.write(_parse(data))
    file.flush()


def _parse(data: bytes) -> bytes:
    try:
        return filesync_pb2.BytesMessage.FromString(data).data
    except DecodeError as error:
        raise TransportError("malformed message from the daemon") from error
