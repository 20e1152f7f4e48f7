"""Archives as build contexts: recognize them, and find the time of their newest file."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from llb._lazy import lazy_imports
from llb.errors import InputError

with lazy_imports(__name__):
    import tarfile  # 4 ms

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


def newest_time(data: bytes) -> datetime | None:
    """Get the time of the newest file in an archive; None for anything but an archive.

    Raises InputError for an archive that Python cannot decompress: zstd before Python 3.14.
    """
    if _is_zstd(data) and "zst" not in tarfile.TarFile.OPEN_METH:
        raise InputError(
            "cannot read the times of the files in a zstd archive",
            hint="set SOURCE_DATE_EPOCH to a number, or serve the archive with a Last-Modified "
            "header",
        )
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            times = [entry.mtime for entry in archive if entry.isfile()]
    except (tarfile.TarError, OSError, EOFError):
        return None
    return datetime.fromtimestamp(int(max(times)), UTC) if times else None


def _is_zstd(head: bytes) -> bool:
    is_skippable = head[1:4] == _SKIPPABLE and head[0] in _FIRST and len(head) >= _SKIPPABLE_HEADER
    return head.startswith(_ZSTD) or is_skippable
