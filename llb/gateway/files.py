"""Files of a tree on the daemon, as a frontend sees them."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from llb.errors import InvalidValueError, RemoteError
from llb.gocompat import utf8
from llb.gocompat.filemode import from_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb._pb import fsutil_pb2

# The most bytes to read in a call; a message of BuildKit has at most 16 MiB.
RANGE = 8 * 2**20
# RESOURCE_EXHAUSTED of gRPC: a message is too large.
_TOO_LARGE = 8


@frozen
class FileStat:
    """A file in a tree: ``path`` as it was requested, or a name in a directory.

    ``mode`` is the st_mode of stat(2), for the functions of :mod:`stat`. ``uid`` and ``gid`` are the
    numeric ids of the owner. ``size`` is in bytes. ``modified`` is the modification time, with a
    time zone. ``target`` is the target of a symbolic link, otherwise empty.
    """

    path: str
    mode: int
    uid: int
    gid: int
    size: int
    modified: datetime
    target: str = ""

    @property
    def is_dir(self) -> bool:
        """Whether this is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether this is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether this is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def from_message(message: fsutil_pb2.Stat) -> FileStat:
    """Decode the file status that the daemon sent."""
    return FileStat(
        path=utf8.decode(message.path),
        mode=from_wire(message.mode),
        uid=message.uid,
        gid=message.gid,
        size=message.size,
        modified=datetime.fromtimestamp(message.modTime / 1e9, UTC),
        target=utf8.decode(message.linkname),
    )


def read_ranges(read: Callable[[int, int], bytes], offset: int, length: int) -> bytes:
    """Read a file of any size in ranges of 8 MiB; ``read`` takes the offset and length of one.

    ``length`` is the maximum number of bytes, 0 for all. Raises InvalidValueError for a negative
    offset or length.
    """
    for name, value in (("offset", offset), ("length", length)):
        if value < 0:
            raise InvalidValueError(f"invalid {name} {value}: expected 0 or more bytes")
    parts: list[bytes] = []
    done = 0
    while True:
        wanted = min(RANGE, length - done) if length else RANGE
        parts.append(read(offset + done, wanted))
        done += len(parts[-1])
        if len(parts[-1]) < wanted or done == length:
            return parts[0] if len(parts) == 1 else b"".join(parts)


@contextmanager
def one_message(call: str, hint: str) -> Iterator[None]:
    """Name the file or directory whose content does not fit into one message of the daemon.

    ``call`` says what fails, such as ``list /usr``.
    """
    try:
        yield
    except RemoteError as error:
        if error.code != _TOO_LARGE:
            raise
        raise RemoteError(
            f"cannot {call}: the answer is larger than a message of 16 MiB",
            code=error.code,
            details=error.details,
            hint=hint,
        ) from error
