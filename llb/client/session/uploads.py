"""Uploads: files on the client that a build fetches by URL, such as an archive as its context."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import BinaryIO, TypeAlias

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.errors import InputError

Content: TypeAlias = bytes | Path | BinaryIO

_HOST = "http://buildkit-session/"


def _new_url() -> str:
    # Concurrent builds that fetch the same URL would receive the same file.
    return _HOST + uuid.uuid4().hex


@checked_init
@frozen(eq=False)
class Upload:
    """Bytes, a file, or an open stream (read once) that a build fetches from ``url``.

    Use the URL like one on the web: as the context of a frontend, for a tar archive or a
    Dockerfile, or in :func:`llb.HTTP`. Raises InputError for a missing file.
    """

    content: Content = field(repr=False)
    url: str = field(factory=_new_url, init=False)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.content, Path) and not self.content.is_file():
            raise InputError(f"cannot upload {self.content}: no such file")
