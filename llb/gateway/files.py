"""Files of a tree on the daemon, as a frontend sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from llb.gocompat.filemode import from_wire

if TYPE_CHECKING:
    from llb._pb import fsutil_pb2


@frozen
class FileStat:
    """A file in a tree: ``path`` as it was requested, or a name in a directory.

    ``mode`` is the st_mode of stat(2), for the functions of :mod:`stat`. ``size`` is in bytes.
    ``target`` is the target of a symbolic link.
    """

    path: str
    mode: int
    uid: int
    gid: int
    size: int
    modified: datetime
    target: str = ""


def from_message(message: fsutil_pb2.Stat) -> FileStat:
    """Decode the file status that the daemon sent."""
    return FileStat(
        path=message.path,
        mode=from_wire(message.mode),
        uid=message.uid,
        gid=message.gid,
        size=message.size,
        modified=datetime.fromtimestamp(message.modTime / 1e9, UTC),
        target=message.linkname,
    )
