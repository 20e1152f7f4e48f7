"""Receive a tree of files from a daemon, which is not trusted.

Every path must be relative, clean, in order, and in a directory that came before it; so nothing is
written outside the destination, and no link is followed. Paths are bytes, as on a file system.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import field, mutable
from google.protobuf.message import DecodeError

from llb._pb import fsutil_pb2 as pb
from llb.errors import InputError, TransportError
from llb.gocompat import filemode
from llb.local_files import attributes, names
from llb.local_files.open_flags import BINARY, NO_FOLLOW

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import ServerCall


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | BINARY
_NO_NAMES = (b"", b".", b"..")
_FOLLOWS_NO_LINK = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
# Values of a file's descriptor while the file is not open.
_NOT_CREATED = -1
_CLOSED = -2


def receive_tree(call: ServerCall, root: Path, destination: Path) -> None:
    """Receive a tree into the empty directory ``root``, on its way to ``destination``.

    Raises TransportError if the daemon breaks the protocol or sends a device, through which it
    could give others access to the hardware; InputError, naming the destination, for files that
    cannot be written.
    """
    try:
        _Receiver(call, os.fsencode(root)).run()
    except OSError as error:
        raise InputError(
            f"cannot write {_destination_path(error, root, destination)}: {error.strerror}"
        ) from error


def _destination_path(error: OSError, root: Path, destination: Path) -> str:
    """Map the path of an error to the destination, as far as it is known, in one line."""
    # For a link, the second name is the link; for an open file, the name is a descriptor number.
    name = error.filename2 or error.filename
    relative = os.fsdecode(name).removeprefix(f"{root}/") if isinstance(name, bytes) else ""
    path = str(destination if relative.startswith("/") else destination / relative)
    return path if path.isprintable() else repr(path)


@mutable
class _File:
    """A file whose content is pending; created when content arrives or a link refers to it."""

    path: bytes
    stat: pb.Stat
    descriptor: int = _NOT_CREATED
    remaining: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.remaining = self.stat.size


@mutable
class _Receiver:
    call: ServerCall
    root: bytes
    count: int = 0
    last: bytes = b""
    directories: dict[bytes, pb.Stat] = field(factory=dict)
    regular: dict[bytes, _File] = field(factory=dict)
    waiting: dict[int, _File] = field(factory=dict)
    all_stats_received: bool = False

    def run(self) -> None:
        try:
            while (data := self.call.receive()) is not None:
                if self.handle(_parse_packet(data)):
                    return
        finally:
            for file in self.waiting.values():
                if file.descriptor >= 0:
                    os.close(file.descriptor)
        raise TransportError("the daemon ended a transfer before it was complete")

    def handle(self, packet: pb.Packet) -> bool:
        """Handle a packet; return whether it was the last one."""
        match packet.type:
            case pb.Packet.PACKET_STAT if packet.HasField("stat"):
                self.create(packet.stat)
            case pb.Packet.PACKET_STAT:
                self.all_stats_received = True
                self.finish()
            case pb.Packet.PACKET_DATA:
                self.write(packet.ID, packet.data)
            case pb.Packet.PACKET_FIN:
                if not self.all_stats_received or self.waiting:
                    raise TransportError("the daemon ended a transfer before it was complete")
                return True
            case pb.Packet.PACKET_ERR:
                message = " ".join(packet.data.decode(errors="replace").split())
                raise TransportError(f"the daemon aborted a transfer: {message}")
            case _:
                raise TransportError("the daemon sent an unexpected packet")
        return False

    def create(self, stat: pb.Stat) -> None:
        """Create the described entry, and request a file's content."""
        path = self.check_path(stat.path)
        _check_stat(stat)
        full = self.full_path(path)
        kind = stat.mode & filemode.TYPE
        number, self.count = self.count, self.count + 1
        if kind == filemode.DIRECTORY:
            os.mkdir(full, 0o700)  # noqa: PTH102 - one string for each of many files
            self.directories[path] = stat
        elif kind == filemode.SYMLINK:
            attributes.make_link(stat.linkname, full)
            attributes.set_time_of_link(full, stat.modTime)
        elif kind:
            attributes.make_named_pipe(full, 0o600)
            _set_attributes(full, stat)
        elif stat.linkname:
            self.link(path, stat.linkname)
        else:
            self.request(number, path, stat)

    def full_path(self, path: bytes) -> bytes:
        """Locate a path below the root."""
        return b"%b/%b" % (self.root, path)

    def check_path(self, path: bytes) -> bytes:
        """Check that a path is safe to create below the root."""
        if self.all_stats_received:
            raise _hostile(path, "it follows the end of the list")
        if b"\0" in path:
            raise _hostile(path, "it contains a NUL")
        parent, _, name = path.rpartition(b"/")
        if path.startswith(b"/") or name in _NO_NAMES:
            raise _hostile(path, "it is not a clean relative path")
        if not names.is_possible(name):
            raise _hostile(path, "Windows has no files with this name")
        # Directories of the tree have been checked by this method themselves.
        if parent and parent not in self.directories:
            raise _hostile(path, "its directory did not come before it")
        # Compare component by component, as if the slash sorted before all other characters.
        sort_key = path.replace(b"/", b"\0")
        if sort_key <= self.last:
            raise _hostile(path, "it is out of order")
        self.last = sort_key
        return path

    def link(self, path: bytes, target: bytes) -> None:
        """Create another name for a file of the tree."""
        file = self.regular.get(target)
        if file is None:
            raise _hostile(path, f"it is a link to {os.fsdecode(target)!r}, which does not exist")
        self.open(file)
        os.link(self.full_path(target), self.full_path(path), **_FOLLOWS_NO_LINK)

    def request(self, number: int, path: bytes, stat: pb.Stat) -> None:
        """Request the content of a file, if it has any."""
        file = self.regular[path] = self.waiting[number] = _File(path, stat)
        if stat.size == 0:
            self.open(file)
            self.close(number, file)
            return
        packet = pb.Packet(type=pb.Packet.PACKET_REQ, ID=number)
        self.call.send(packet.SerializeToString())

    def write(self, number: int, data: bytes) -> None:
        """Write a chunk of a file; an empty chunk is its end."""
        file = self.waiting.get(number)
        if file is None:
            raise TransportError(
                f"the daemon sent content of file {number}, which was not requested"
            )
        self.open(file)
        if data:
            file.remaining -= len(data)
            if file.remaining < 0:
                raise _hostile(file.path, f"it has more than its {file.stat.size} bytes")
            view = memoryview(data)
            while view:
                view = view[os.write(file.descriptor, view) :]
            return
        if file.remaining:
            raise _hostile(file.path, f"it ends {file.remaining} bytes early")
        self.close(number, file)
        self.finish()

    def open(self, file: _File) -> None:
        """Create a file unless it already exists."""
        if file.descriptor == _NOT_CREATED:
            file.descriptor = os.open(self.full_path(file.path), _CREATE, 0o600)

    def close(self, number: int, file: _File) -> None:
        """Close a file that is complete, and set its attributes."""
        if attributes.BY_DESCRIPTOR:
            _set_attributes(file.descriptor, file.stat)
        del self.waiting[number]
        os.close(file.descriptor)
        file.descriptor = _CLOSED
        if not attributes.BY_DESCRIPTOR:
            _set_attributes(self.full_path(file.path), file.stat)

    def finish(self) -> None:
        """Acknowledge the transfer when everything has arrived."""
        if not self.all_stats_received or self.waiting:
            return
        # Adding entries changes a directory's modification time, so directories come last.
        for path, stat in reversed(self.directories.items()):
            _set_attributes(self.full_path(path), stat)
        self.call.send(pb.Packet(type=pb.Packet.PACKET_FIN).SerializeToString())
        self.call.flush()


def _parse_packet(data: bytes) -> pb.Packet:
    try:
        return pb.Packet.FromString(data)
    except DecodeError as error:
        raise TransportError("malformed packet from the daemon") from error


def _check_stat(stat: pb.Stat) -> None:
    """Raise TransportError for a description that is impossible or not allowed."""
    path, kind = stat.path, stat.mode & filemode.TYPE
    if kind in (filemode.DEVICE, filemode.DEVICE | filemode.CHARACTER_DEVICE):
        raise _hostile(path, "it is a device", hint="export an archive instead, with type=tar")
    if kind not in (0, filemode.DIRECTORY, filemode.SYMLINK, filemode.NAMED_PIPE):
        raise _hostile(path, f"its mode {stat.mode:o} has an unknown file type")
    if kind == filemode.SYMLINK and not stat.linkname:
        raise _hostile(path, "it is a link to nowhere")
    if stat.size < 0:
        raise _hostile(path, f"its size is {stat.size}")
    if b"\0" in stat.linkname or any(b"\0" in xattr.key for xattr in stat.xattrs):
        raise _hostile(path, "its description contains a NUL")


def _set_attributes(target: bytes | int, stat: pb.Stat) -> None:
    """Set mode, time and extended attributes of a new file, which is not a link."""
    for xattr in stat.xattrs:
        attributes.set_extended_attribute(target, xattr.key, xattr.value)
    attributes.set_mode(target, filemode.permissions(stat.mode))
    attributes.set_time(target, stat.modTime)


def _hostile(path: bytes, reason: str, *, hint: str | None = None) -> TransportError:
    return TransportError(
        f"refused the file {os.fsdecode(path)!r} from the daemon: {reason}", hint=hint
    )
