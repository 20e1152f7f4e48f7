"""``FileSync``: send local directories of the client to the daemon on demand.

The protocol is that of ``fsutil``: the sender describes every file in order; the receiver requests
the contents it lacks by number, and confirms when it has everything.
"""

from __future__ import annotations

import errno
import os
import queue
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from llb._pb import fsutil_pb2 as pb
from llb.client.session.local_inputs import unknown_directory
from llb.client.session.providers.requests import parse
from llb.client.session.root import Root, TreeReader
from llb.client.session.walk import Entry, Filter, walk
from llb.errors import Hint, InputError, InvalidValueError, LLBError, RemoteError
from llb.gocompat import filemode
from llb.local_files import attributes, paths
from llb.protobuf import varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from llb.grpc import Handler, ServerCall

_NOT_FOUND = 5
_UNKNOWN = 2
# A receiver accepts data packets of any size; large ones cost less per byte.
_CHUNK = 256 * 1024
_READERS = 2


class LocalDirs:
    """The client's local directories, by the names that builds use.

    Raises InputError for an unusable directory.
    """

    def __init__(self, directories: Mapping[str, Path]) -> None:
        self._directories = {name: _open_root(name, path) for name, path in directories.items()}
        self.failures: list[Exception] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Map DiffCopy to its handler."""
        return {"/moby.filesync.v1.FileSync/DiffCopy": self._diff_copy}

    def _diff_copy(self, call: ServerCall) -> None:
        name = "".join(_values(call.metadata, "dir-name"))
        root = self._directories.get(name)
        if root is None:
            failure = unknown_directory(name, self._directories)
            self.failures.append(failure)
            raise RemoteError(failure.message, code=_NOT_FOUND)
        selection = Filter(
            include=_values(call.metadata, "include-patterns"),
            exclude=_values(call.metadata, "exclude-patterns"),
            follow=_values(call.metadata, "followpaths"),
        )
        try:
            _Sender(call, root, selection, self.failures.append).run()
        except (InputError, InvalidValueError) as failure:
            raise RemoteError(failure.message, code=_UNKNOWN) from failure


def _open_root(name: str, path: Path) -> Root:
    if not paths.is_dir(path):
        problem = "is not a directory" if paths.exists(path) else "does not exist"
        raise InputError(
            f"cannot use {path} as the local directory {name!r}: it {problem}",
            hint=Hint(
                f"name a directory: local_dirs={{{name!r}: DIR}}",
                command=f"name a directory with --local {name}=DIR",
            ),
        )
    try:
        return Root(str(paths.resolve(path)))
    except OSError as error:
        raise InputError(
            f"cannot use {path} as the local directory {name!r}: {error.strerror}"
        ) from error


def _values(metadata: Mapping[str, tuple[str, ...]], key: str) -> tuple[str, ...]:
    """Read the values of a header, and decode them if they were encoded as ASCII."""
    values = metadata.get(key, ())
    is_encoded = metadata.get(f"{key}-encoded", ("0",))[0] in ("1", "t", "true")
    return tuple(unquote_plus(value) for value in values) if is_encoded else values


class _Sender:
    """One transfer: a thread walks the tree, others read files, and this one receives requests.

    ``report`` is called with a failure of this side before the receiver learns of it, which may end
    the build at once.
    """

    def __init__(
        self,
        call: ServerCall,
        root: Root,
        selection: Filter,
        report: Callable[[Exception], None],
    ) -> None:
        self._call = call
        self._root = root
        self._selection = selection
        self._report = report
        self._files: dict[int, str] = {}
        self._requests: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._errors: list[Exception] = []

    def run(self) -> None:
        """Send what the receiver requests until it has everything; raises InputError."""
        threads = [threading.Thread(target=self._record_errors, args=(self._walk,), daemon=True)]
        threads += [
            threading.Thread(target=self._record_errors, args=(self._read_files,), daemon=True)
            for _ in range(_READERS)
        ]
        for thread in threads:
            thread.start()
        try:
            self._listen()
        except LLBError as error:
            # An earlier error of this side is the reason why the receiver aborts.
            self._errors.append(error)
        finally:
            for _ in range(_READERS):
                self._requests.put(None)
            for thread in threads:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _record_errors(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (InputError, InvalidValueError) as error:
            self._fail(error, error.message)
        except LLBError as error:
            self._errors.append(error)
        except OSError as error:
            message = f"cannot read {error.filename}: {error.strerror}"
            self._fail(InputError(message), message)
        # The build must not wait for a thread that has died.
        except Exception as error:  # noqa: BLE001
            self._fail(error, repr(error))

    def _fail(self, error: Exception, message: str) -> None:
        """Tell the receiver that the transfer has failed, and why."""
        self._errors.append(error)
        self._report(error)
        # A receiver that has disconnected needs no reason.
        with suppress(LLBError):
            self._send(_encode_error(message), flush=True)

    def _listen(self) -> None:
        while (data := self._call.receive()) is not None:
            packet = parse(data, pb.Packet)
            match packet.type:
                case pb.Packet.PACKET_REQ:
                    # The walk registers a file before it sends its description.
                    path = self._files.pop(packet.ID, None)
                    if path is None:
                        raise RemoteError(f"file {packet.ID} cannot be requested", code=_UNKNOWN)
                    self._requests.put((packet.ID, path))
                case pb.Packet.PACKET_FIN:
                    self._send(_FIN, flush=True)
                    return
                case pb.Packet.PACKET_ERR:
                    message = packet.data.decode(errors="replace")
                    if self._errors:
                        return
                    raise RemoteError(f"the daemon aborted a transfer: {message}", code=_UNKNOWN)
                case _:
                    raise RemoteError("the daemon sent an unexpected packet", code=_UNKNOWN)

    def _walk(self) -> None:
        first_paths: dict[tuple[int, int], str] = {}
        number = -1
        with TreeReader(self._root) as tree:
            for entry in walk(tree, self._selection):
                try:
                    description = _describe(tree, entry, first_paths)
                except (FileNotFoundError, NotADirectoryError):
                    # It was removed a moment ago, and is treated as if it had never existed.
                    continue
                number += 1
                if not description.mode & filemode.TYPE:
                    self._files[number] = entry.path
                packet = pb.Packet(type=pb.Packet.PACKET_STAT, stat=description)
                self._send(packet.SerializeToString())
        self._send(_END_OF_STATS, flush=True)

    def _read_files(self) -> None:
        with TreeReader(self._root) as tree:
            while (request := self._requests.get()) is not None:
                self._send_file(tree, *request)
                if self._requests.empty():
                    self._call.flush()

    def _send_file(self, tree: TreeReader, number: int, path: str) -> None:
        head = b"\x08\x02\x18" + varint(number)
        try:
            descriptor = _open(tree, path)
            if descriptor is not None:
                try:
                    for chunk in _content(descriptor):
                        self._send(b"".join((head, b"\x22", varint(len(chunk)), chunk)))
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise InputError(f"cannot read {self._root.path}/{path}: {error.strerror}") from error
        self._send(head)

    def _send(self, packet: bytes, *, flush: bool = False) -> None:
        self._call.send(packet)
        if flush:
            self._call.flush()


def _open(tree: TreeReader, path: str) -> int | None:
    """Open a file for reading; None if it has no content, so that the receiver creates it empty."""
    try:
        return tree.open(path)
    except OSError as error:
        # It was removed a moment ago, or it is a socket.
        if error.errno in (errno.ENOENT, errno.ENXIO):
            return None
        raise


def _content(descriptor: int) -> Iterator[bytes]:
    """Yield the content of a file up to its initial size, since it may grow forever."""
    remaining = os.fstat(descriptor).st_size
    if not remaining:
        # Files in /proc report no size but have content.
        while chunk := os.read(descriptor, _CHUNK):
            yield chunk
    while remaining > 0 and (chunk := os.read(descriptor, min(remaining, _CHUNK))):
        yield chunk
        remaining -= len(chunk)


_END_OF_STATS = pb.Packet(type=pb.Packet.PACKET_STAT).SerializeToString()
_FIN = pb.Packet(type=pb.Packet.PACKET_FIN).SerializeToString()


def _encode_error(message: str) -> bytes:
    return pb.Packet(
        type=pb.Packet.PACKET_ERR, data=message.encode(errors="replace")
    ).SerializeToString()


def _describe(tree: TreeReader, entry: Entry, first_paths: dict[tuple[int, int], str]) -> pb.Stat:
    """Describe a file, owned by root as from every client."""
    status = entry.status
    description = pb.Stat(
        path=os.fsencode(entry.path),
        mode=filemode.to_wire(attributes.mode_for_others(status.st_mode)),
        modTime=status.st_mtime_ns,
    )
    folder, _, name = entry.path.rpartition("/")
    if not stat.S_ISDIR(status.st_mode):
        description.size = status.st_size
        _describe_links(tree, entry, first_paths, description)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            description.devmajor, description.devminor = attributes.device_numbers(status)
    for key, value in tree.extended_attributes(folder, name):
        description.xattrs.add(key=os.fsencode(key), value=value)
    return description


def _describe_links(
    tree: TreeReader,
    entry: Entry,
    first_paths: dict[tuple[int, int], str],
    description: pb.Stat,
) -> None:
    status = entry.status
    if stat.S_ISLNK(status.st_mode):
        folder, _, name = entry.path.rpartition("/")
        description.linkname = os.fsencode(tree.link_target(folder, name))
    elif status.st_nlink > 1:
        key = (status.st_dev, status.st_ino)
        first = first_paths.setdefault(key, entry.path)
        if first != entry.path:
            description.linkname = os.fsencode(first)
