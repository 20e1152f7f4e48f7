"""Files that a build takes from the client by URLs, such as an archive as its context."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import BinaryIO, TypeAlias

from attrs import field, frozen

from llb.errors import InputError

Content: TypeAlias = bytes | Path | BinaryIO

_HOST = "http://buildkit-session/"


def _new_url() -> str:
    # Builds that ask for the same URL at a time would be given the same file.
    return _HOST + uuid.uuid4().hex


@frozen(eq=False)
class Upload:
    """Bytes, a file, or an open stream, which is read once; a build finds them at ``url``.

    The URL stands for one of the web: as the context of a frontend, where it is a tar archive
    or a Dockerfile, or in :func:`llb.HTTP`. Raises InputError for a file that is not there.
    """

    content: Content = field(repr=False)
    url: str = field(factory=_new_url, init=False)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.content, Path) and not self.content.is_file():
            raise InputError(f"cannot upload {self.content}: there is no such file")
