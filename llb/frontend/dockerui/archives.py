"""Archives as build contexts: recognize them, unpack them, and find the time of the newest file."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb import Scratch, State, copy
from llb._lazy import lazy_imports
from llb.frontend.dockerui.tree_files import read
from llb.gocompat.path import join

with lazy_imports(__name__):
    import tarfile  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.gateway import FileStat, Gateway, Ref

_ZSTD = b"\x28\xb5\x2f\xfd"
# The magic bytes of compressed archives: bzip2, gzip, xz, zstd.
_COMPRESSED = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", _ZSTD)
# A stream of zstd may begin with a skippable frame: its magic bytes, of which the first has a free
# half, and its size (RFC 8878, section 3.1.2).
_SKIPPABLE = b"\x2a\x4d\x18"
_FIRST = range(0x50, 0x60)
_SKIPPABLE_HEADER = 8


def is_archive(head: bytes) -> bool:
    """Check whether a file that begins with ``head`` is a tar archive, or compressed."""
    if head.startswith(_COMPRESSED) or _is_zstd(head):
        return True
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def unpacked(source: State, name: str) -> State:
    """Create the tree with the content of an archive, which is the file ``name`` of a tree."""
    archive = copy(
        source,
        "/",
        src=f"/{name}",
        unpack=True,
        contents_only=False,
        create_dest_path=False,
        wildcard=False,
    )
    return Scratch().file(archive, locations=())


def newest_time(gateway: Gateway, source: State, ref: Ref, name: str) -> datetime | None:
    """Get the time of the newest file in an archive; None for anything but an archive.

    The archive is the file ``name`` of ``source``, which the daemon has as ``ref``. Raises
    InputError if it is too large, and RemoteError.
    """
    data = read(gateway, ref, name)
    if not _is_zstd(data):
        return newest_in_archive(data)
    # Python before 3.14 cannot decompress it, but the daemon can.
    files = list(_files(gateway, gateway.solve(unpacked(source, name).marshal())))
    if [(file.path, file.size) for file in files] == [(name, len(data))]:
        # The daemon has copied a compressed file that contains no archive.
        return None
    times = [file.modified for file in files]
    return max(times).replace(microsecond=0) if times else None


def newest_in_archive(data: bytes) -> datetime | None:
    """Get the time of the newest file in a tar archive; None for anything else.

    Also None if that time is outside the calendar.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            times = [entry.mtime for entry in archive if entry.isfile()]
    except (tarfile.TarError, OSError, EOFError):
        return None
    return to_time(max(times)) if times else None


def to_time(seconds: float | bytes) -> datetime | None:
    """Convert seconds since 1970, or their digits, to a time; None outside the calendar."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _files(gateway: Gateway, ref: Ref) -> Iterator[FileStat]:
    """Yield the regular files of a tree, each with its name in its directory."""
    folders = ["/"]
    while folders:
        folder = folders.pop()
        for entry in gateway.read_dir(ref, folder):
            if entry.is_dir:
                folders.append(join(folder, entry.path))
            elif entry.is_file:
                yield entry


def _is_zstd(head: bytes) -> bool:
    is_skippable = head[1:4] == _SKIPPABLE and head[0] in _FIRST and len(head) >= _SKIPPABLE_HEADER
    return head.startswith(_ZSTD) or is_skippable
