"""Read bundles, and the runs of ``history export`` that are compared."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

RUNS = (
    ("full",),
    ("plain",),
    ("full", "plain"),
    ("--all",),
    (),
    ("nothing",),
    ("--all", "full"),
    ("--finalize", "plain"),
)


def read_bundle(data: bytes) -> dict[str, Any]:
    """Unpack a bundle: the mode and content of each entry, in order."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        return {
            entry.name: {"mode": oct(entry.mode), "content": _content(archive, entry)}
            for entry in archive
        }


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str | None:
    file = archive.extractfile(entry)
    return None if file is None else file.read().decode()
