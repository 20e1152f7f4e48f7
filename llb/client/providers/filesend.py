"""``FileSend``: results that the daemon writes to the client, as a tree or as one stream."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING, BinaryIO, Protocol

from llb._pb import filesync_pb2
from llb.client.providers.receive import receive_tree
from llb.errors import InputError, LLBError, RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb.tunnel import Handler, ServerCall

_UNKNOWN = 2
_EXPORTER_ID = "buildkit-attachable-exporter-id"


class Receiver(Protocol):
    """Where one export goes; what was received counts once it is committed."""

    def receive(self, call: ServerCall) -> None:
        """Take what the daemon sends; raises InputError or TransportError."""

    def commit(self) -> None:
        """Put what was received in its place."""

    def abort(self) -> None:
        """Throw away what was received; nothing is left behind."""


class FileSend:
    """Receivers by the number of their exporter in the request."""

    def __init__(self, receivers: Mapping[int, Receiver]) -> None:
        self._receivers = receivers
        self.failures: list[LLBError] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handler of DiffCopy."""
        return {"/moby.filesync.v1.FileSend/DiffCopy": self._diff_copy}

    def _diff_copy(self, call: ServerCall) -> None:
        (number, *_) = call.metadata.get(_EXPORTER_ID, ("0",))
        receiver = self._receivers.get(int(number)) if number.isdigit() else None
        if receiver is None:
            raise RemoteError(f"there is no exporter {number} to send to", code=_UNKNOWN)
        try:
            receiver.receive(call)
        except (InputError, TransportError) as failure:
            self.failures.append(failure)
            raise RemoteError(str(failure), code=_UNKNOWN) from failure


class LocalReceiver:
    """A directory for a tree.

    The tree is received beside its place. A new directory is moved there whole; in
    one that exists, files are added and replaced, as with buildctl.
    """

    def __init__(self, destination: Path) -> None:
        if destination.exists() and not destination.is_dir():
            raise InputError(
                f"cannot export to {destination}: it is not a directory",
                hint="name a directory, or use type=tar,dest=FILE",
            )
        self._destination = destination
        self._staging: Path | None = None

    def receive(self, call: ServerCall) -> None:
        """Take the tree."""
        self._staging = self._make_staging()
        receive_tree(call, self._staging)

    def commit(self) -> None:
        """Put the tree in its place; a second call does nothing."""
        if self._staging is None:
            return
        if self._destination.exists():
            _merge(self._staging, self._destination)
            shutil.rmtree(self._staging)
        else:
            self._staging.rename(self._destination)
        self._staging = None

    def abort(self) -> None:
        """Throw the tree away."""
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging = None

    def _make_staging(self) -> Path:
        # In a directory that exists, its own file system is the one to rename on.
        name = f".llb-partial-{uuid.uuid4().hex[:12]}"
        parent = self._destination if self._destination.is_dir() else self._destination.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            staging = parent / name
            staging.mkdir()
        except OSError as error:
            raise InputError(f"cannot export to {self._destination}: {error.strerror}") from error
        return staging


class FileReceiver:
    """A file for a stream; it gets its name when it is complete."""

    def __init__(self, destination: Path) -> None:
        if destination.is_dir():
            raise InputError(
                f"cannot export to {destination}: it is a directory, and a file is wanted",
                hint=f"for example dest={destination / 'image.tar'}",
            )
        self._destination = destination
        self._staging: Path | None = None

    def receive(self, call: ServerCall) -> None:
        """Take the stream."""
        target = self._destination
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._staging = target.with_name(f".{target.name}.partial-{uuid.uuid4().hex[:12]}")
            with self._staging.open("wb") as file:
                _copy(call, file)
        except OSError as error:
            raise InputError(f"cannot export to {target}: {error.strerror}") from error

    def commit(self) -> None:
        """Give the file its name; a second call does nothing."""
        if self._staging is not None:
            self._staging.rename(self._destination)
            self._staging = None

    def abort(self) -> None:
        """Remove the file."""
        if self._staging is not None:
            self._staging.unlink(missing_ok=True)
            self._staging = None


class StreamReceiver:
    """An open stream for a stream, such as standard output; what was written stays written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def receive(self, call: ServerCall) -> None:
        """Pass the stream on."""
        try:
            _copy(call, self._stream)
        except OSError as error:
            raise InputError(f"cannot write the output: {error.strerror}") from error

    def commit(self) -> None:
        """Do nothing: everything was passed on."""

    def abort(self) -> None:
        """Do nothing: what was passed on cannot be taken back."""


def _copy(call: ServerCall, file: BinaryIO) -> None:
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
