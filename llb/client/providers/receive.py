"""A tree that is received from a daemon, which is not trusted.

Every path has to be relative and clean, in order, and in a directory that came
before it; so nothing is written outside, and no link is followed on the way.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from attrs import field, mutable

from llb._pb import fsutil_pb2 as pb
from llb.client.providers import modes
from llb.errors import InputError, TransportError
from llb.paths import clean

if TYPE_CHECKING:
    from pathlib import Path

    from llb.tunnel import ServerCall


_WRITE = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_CREATE = _WRITE | os.O_CREAT | os.O_EXCL


def receive_tree(call: ServerCall, root: Path) -> None:
    """Receive a tree into the empty directory ``root``.

    Raises TransportError for what no honest daemon sends, InputError for what
    cannot be written.
    """
    try:
        _Receiver(call, str(root)).run()
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else root
        raise InputError(f"cannot write {name}: {error.strerror}") from error


@mutable
class _File:
    """A file whose content is on its way."""

    path: str
    described: pb.Stat
    descriptor: int
    left: int


@mutable
class _Receiver:
    call: ServerCall
    root: str
    count: int = 0
    last: tuple[bytes, ...] = ()
    directories: dict[str, pb.Stat] = field(factory=dict)
    regular: set[str] = field(factory=set)
    open_files: dict[int, _File] = field(factory=dict)
    waiting: dict[int, _File] = field(factory=dict)
    all_described: bool = False

    def run(self) -> None:
        try:
            while (data := self.call.receive()) is not None:
                if self.take(pb.Packet.FromString(data)):
                    return
        finally:
            for file in self.open_files.values():
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
                message = packet.data.decode(errors="replace")
                raise TransportError(f"the daemon gave up a transfer: {message}")
            case _:
                raise TransportError("the daemon sent an unexpected packet")
        return False

    def create(self, described: pb.Stat) -> None:
        """Make what a description says, and ask for a file's content."""
        path = self.checked(described.path)
        full = f"{self.root}/{path}"
        kind = described.mode & modes.TYPE
        number, self.count = self.count, self.count + 1
        if kind == modes.DIRECTORY:
            os.mkdir(full, 0o700)  # noqa: PTH102 - one string for each of many files
            self.directories[path] = described
        elif kind == modes.SYMLINK:
            os.symlink(described.linkname, full)  # noqa: PTH211
            _set_times(full, described)
        elif kind:
            _make_special(full, described, kind)
        elif described.linkname:
            if described.linkname not in self.regular:
                raise _hostile(path, f"it is a link to {described.linkname!r}, which is not there")
            os.link(f"{self.root}/{described.linkname}", full, follow_symlinks=False)
        else:
            self.regular.add(path)
            self.request(number, path, described)

    def checked(self, path: str) -> str:
        """Return a path that is safe to make below the root."""
        parts = tuple(part.encode() for part in path.split("/"))
        if path.startswith("/") or clean(path) != path or parts[0] in (b".", b".."):
            raise _hostile(path, "it is not a clean relative path")
        if "\0" in path:
            raise _hostile(path, "it has a NUL")
        if parts <= self.last:
            raise _hostile(path, "it is out of order")
        parent = path.rpartition("/")[0]
        if parent and parent not in self.directories:
            raise _hostile(path, "its directory did not come before it")
        self.last = parts
        return path

    def request(self, number: int, path: str, described: pb.Stat) -> None:
        """Make an empty file, which links may refer to at once, and ask for its content."""
        full = f"{self.root}/{path}"
        os.close(os.open(full, _CREATE, 0o600))
        if described.size == 0:
            _set_attributes(full, described)
            return
        self.waiting[number] = _File(path, described, -1, described.size)
        packet = pb.Packet(type=pb.Packet.PACKET_REQ, ID=number)
        self.call.send(packet.SerializeToString())

    def write(self, number: int, data: bytes) -> None:
        """Write a piece of a file; an empty one is its end."""
        file = self.waiting.get(number)
        if file is None:
            raise TransportError(
                f"the daemon sent content of file {number}, which nobody asked for"
            )
        full = f"{self.root}/{file.path}"
        if file.descriptor < 0:
            file.descriptor = os.open(full, _WRITE)
            self.open_files[number] = file
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
        os.close(file.descriptor)
        del self.open_files[number], self.waiting[number]
        _set_attributes(full, file.described)
        self.finish()

    def finish(self) -> None:
        """Say so when everything has arrived."""
        if not self.all_described or self.waiting:
            return
        # What is put into a directory changes its time, so directories come last.
        for path, described in reversed(self.directories.items()):
            _set_attributes(f"{self.root}/{path}", described)
        self.call.send(pb.Packet(type=pb.Packet.PACKET_FIN).SerializeToString())
        self.call.flush()


def _make_special(full: str, described: pb.Stat, kind: int) -> None:
    if kind == modes.NAMED_PIPE:
        os.mkfifo(full, modes.permissions(described.mode))
    elif kind in (modes.DEVICE, modes.DEVICE | modes.CHARACTER_DEVICE):
        file_type = stat.S_IFCHR if kind & modes.CHARACTER_DEVICE else stat.S_IFBLK
        device = os.makedev(described.devmajor, described.devminor)
        os.mknod(full, modes.permissions(described.mode) | file_type, device)
    else:
        raise _hostile(described.path, f"its mode {described.mode:o} is of no known kind")
    _set_attributes(full, described)


def _set_attributes(full: str, described: pb.Stat) -> None:
    for name, value in described.xattrs.items():
        try:
            os.setxattr(full, name, value, follow_symlinks=False)
        except OSError:
            # The file system of the client may know no such attributes, or only root's.
            continue
    os.chmod(full, modes.permissions(described.mode))  # noqa: PTH101
    _set_times(full, described)


def _set_times(full: str, described: pb.Stat) -> None:
    os.utime(full, ns=(described.modTime, described.modTime), follow_symlinks=False)


def _hostile(path: str, reason: str) -> TransportError:
    return TransportError(f"refused the file {path!r} from the daemon: {reason}")
