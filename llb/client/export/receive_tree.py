"""A tree that is received from a daemon, which is not trusted.

Every path has to be relative and clean, in order, and in a directory that came
before it; so nothing is written outside, and no link is followed on the way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import field, mutable
from google.protobuf.message import DecodeError

from llb._pb import fsutil_pb2 as pb
from llb.errors import InputError, TransportError
from llb.gocompat import filemode

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import ServerCall


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_NO_NAMES = ("", ".", "..")
# In place of the descriptors of files that are not open.
_UNMADE = -1
_CLOSED = -2


def receive_tree(call: ServerCall, root: Path, destination: Path) -> None:
    """Receive a tree into the empty directory ``root``, from where it goes to ``destination``.

    Raises TransportError for what no honest daemon sends and for devices, by which a
    daemon could have others reach what is behind them; InputError, in the words of the
    destination, for what cannot be written.
    """
    try:
        _Receiver(call, str(root)).run()
    except OSError as error:
        raise InputError(
            f"cannot write {_place(error, root, destination)}: {error.strerror}"
        ) from error


def _place(error: OSError, root: Path, destination: Path) -> str:
    """Return where in the destination an error happened, as far as it says that, on one line."""
    # Of a link, the second name is its own; of an open file, what is there is a number.
    name = error.filename2 or error.filename
    below = name.removeprefix(f"{root}/") if isinstance(name, str) else ""
    place = str(destination if below.startswith("/") else destination / below)
    return place if place.isprintable() else repr(place)


@mutable
class _File:
    """A file whose content is on its way; it is made when that begins, or a link refers to it."""

    path: str
    described: pb.Stat
    descriptor: int = _UNMADE
    left: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.left = self.described.size


@mutable
class _Receiver:
    call: ServerCall
    root: str
    count: int = 0
    last: str = ""
    directories: dict[str, pb.Stat] = field(factory=dict)
    regular: dict[str, _File] = field(factory=dict)
    waiting: dict[int, _File] = field(factory=dict)
    all_described: bool = False

    def run(self) -> None:
        try:
            while (data := self.call.receive()) is not None:
                if self.take(_parsed(data)):
                    return
        finally:
            for file in self.waiting.values():
                if file.descriptor >= 0:
                    os.close(file.descriptor)
        raise TransportError("the daemon ended a transfer before it was complete")

    def take(self, packet: pb.Packet) -> bool:
        """Act on a packet; return whether it was the last one."""
        match packet.type:
            case pb.Packet.PACKET_STAT if packet.HasField("stat"):
                self.create(packet.stat)
            case pb.Packet.PACKET_STAT:
                self.all_described = True
                self.finish()
            case pb.Packet.PACKET_DATA:
                self.write(packet.ID, packet.data)
            case pb.Packet.PACKET_FIN:
                if not self.all_described or self.waiting:
                    raise TransportError("the daemon ended a transfer before it was complete")
                return True
            case pb.Packet.PACKET_ERR:
                message = " ".join(packet.data.decode(errors="replace").split())
                raise TransportError(f"the daemon gave up a transfer: {message}")
            case _:
                raise TransportError("the daemon sent an unexpected packet")
        return False

    def create(self, described: pb.Stat) -> None:
        """Make what a description says, and ask for a file's content."""
        path = self.checked(described.path)
        _check(described)
        full = f"{self.root}/{path}"
        kind = described.mode & filemode.TYPE
        number, self.count = self.count, self.count + 1
        if kind == filemode.DIRECTORY:
            os.mkdir(full, 0o700)  # noqa: PTH102 - one string for each of many files
            self.directories[path] = described
        elif kind == filemode.SYMLINK:
            os.symlink(described.linkname, full)  # noqa: PTH211
            os.utime(full, ns=(described.modTime, described.modTime), follow_symlinks=False)
        elif kind:
            os.mkfifo(full, 0o600)
            _set_attributes(full, described)
        elif described.linkname:
            self.link(path, described.linkname)
        else:
            self.request(number, path, described)

    def checked(self, path: str) -> str:
        """Return a path that is safe to make below the root."""
        if self.all_described:
            raise _hostile(path, "it comes after the last one")
        if "\0" in path:
            raise _hostile(path, "it has a NUL")
        parent, _, name = path.rpartition("/")
        if path.startswith("/") or name in _NO_NAMES:
            raise _hostile(path, "it is not a clean relative path")
        # What is a directory of the tree has been through here itself.
        if parent and parent not in self.directories:
            raise _hostile(path, "its directory did not come before it")
        # Component by component, as if nothing came before the slash.
        place = path.replace("/", "\0")
        if place <= self.last:
            raise _hostile(path, "it is out of order")
        self.last = place
        return path

    def link(self, path: str, target: str) -> None:
        """Give a file of the tree another name."""
        file = self.regular.get(target)
        if file is None:
            raise _hostile(path, f"it is a link to {target!r}, which is not there")
        self.open(file)
        os.link(f"{self.root}/{target}", f"{self.root}/{path}", follow_symlinks=False)

    def request(self, number: int, path: str, described: pb.Stat) -> None:
        """Ask for the content of a file, if it has any."""
        file = self.regular[path] = self.waiting[number] = _File(path, described)
        if described.size == 0:
            self.open(file)
            self.close(number, file)
            return
        packet = pb.Packet(type=pb.Packet.PACKET_REQ, ID=number)
        self.call.send(packet.SerializeToString())

    def write(self, number: int, data: bytes) -> None:
        """Write a piece of a file; an empty one is its end."""
        file = self.waiting.get(number)
        if file is None:
            raise TransportError(
                f"the daemon sent content of file {number}, which nobody asked for"
            )
        self.open(file)
        if data:
            file.left -= len(data)
            if file.left < 0:
                raise _hostile(file.path, f"it has more than its {file.described.size} bytes")
            view = memoryview(data)
            while view:
                view = view[os.write(file.descriptor, view) :]
            return
        if file.left:
            raise _hostile(file.path, f"it ends {file.left} bytes early")
        self.close(number, file)
        self.finish()

    def open(self, file: _File) -> None:
        """Make a file, unless it is made already."""
        if file.descriptor == _UNMADE:
            file.descriptor = os.open(f"{self.root}/{file.path}", _CREATE, 0o600)

    def close(self, number: int, file: _File) -> None:
        """End a file that has all its content."""
        _set_attributes(file.descriptor, file.described)
        del self.waiting[number]
        os.close(file.descriptor)
        file.descriptor = _CLOSED

    def finish(self) -> None:
        """Say so when everything has arrived."""
        if not self.all_described or self.waiting:
            return
        # What is put into a directory changes its time, so directories come last.
        for path, described in reversed(self.directories.items()):
            _set_attributes(f"{self.root}/{path}", described)
        self.call.send(pb.Packet(type=pb.Packet.PACKET_FIN).SerializeToString())
        self.call.flush()


def _parsed(data: bytes) -> pb.Packet:
    try:
        return pb.Packet.FromString(data)
    except DecodeError as error:
        raise TransportError("the daemon sent a packet that cannot be read") from error


def _check(described: pb.Stat) -> None:
    """Raise TransportError for a description of what there cannot be, or must not be."""
    path, kind = described.path, described.mode & filemode.TYPE
    if kind in (filemode.DEVICE, filemode.DEVICE | filemode.CHARACTER_DEVICE):
        raise _hostile(path, "it is a device", hint="export an archive instead, with type=tar")
    if kind not in (0, filemode.DIRECTORY, filemode.SYMLINK, filemode.NAMED_PIPE):
        raise _hostile(path, f"its mode {described.mode:o} is of no known kind")
    if kind == filemode.SYMLINK and not described.linkname:
        raise _hostile(path, "it is a link to nowhere")
    if described.size < 0:
        raise _hostile(path, f"its size is {described.size}")
    if "\0" in described.linkname or any("\0" in name for name in described.xattrs):
        raise _hostile(path, "its description has a NUL")


def _set_attributes(made: str | int, described: pb.Stat) -> None:
    """Give what was made here, which is no link, what its description says."""
    for name, value in described.xattrs.items():
        try:
            os.setxattr(made, name, value)
        except OSError:
            # The file system of the client may know no such attributes, or only root's.
            continue
    os.chmod(made, filemode.permissions(described.mode))  # noqa: PTH101
    os.utime(made, ns=(described.modTime, described.modTime))


def _hostile(path: str, reason: str, *, hint: str | None = None) -> TransportError:
    return TransportError(f"refused the file {path!r} from the daemon: {reason}", hint=hint)
