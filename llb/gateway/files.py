"""What is in a tree on the daemon, as a frontend sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from llb.gocompat.filemode import from_wire

if TYPE_CHECKING:
    from llb._pb import fsutil_pb2


@frozen
class FileStat:
    """A file in a tree: ``path`` as it was asked for, or a name in a directory.

    ``mode`` is that of stat(2), so that the functions of :mod:`stat` read it; ``size`` is in
    bytes, and ``target`` what a symbolic link leads to.
    """

    path: str
    mode: int
    uid: int
    gid: int
    size: int
    modified: datetime
    target: str = ""


def from_message(found: fsutil_pb2.Stat) -> FileStat:
    """Return what the daemon says of a file."""
    return FileStat(
        path=found.path,
        mode=from_wire(found.mode),
        uid=found.uid,
        gid=found.gid,
        size=found.size,
        modified=datetime.fromtimestamp(found.modTime / 1e9, UTC),
        target=found.linkname,
    )
