"""Descriptions of files, with names as Python has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llb._pb import fsutil_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(
    path: str,
    mode: int = 0,
    *,
    linkname: str = "",
    xattrs: Mapping[str, bytes] | None = None,
    **fields: int,
) -> pb.Stat:
    """Describe a file; the other fields are those of the message."""
    attributes = [
        pb.Stat.XattrsEntry(key=os.fsencode(key), value=value)
        for key, value in (xattrs or {}).items()
    ]
    names = {"path": os.fsencode(path), "linkname": os.fsencode(linkname)}
    return pb.Stat(mode=mode, xattrs=attributes, **names, **fields)  # type: ignore[arg-type]
