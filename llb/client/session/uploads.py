"""Uploads: files on the client that a build fetches by URL, such as an archive as its context."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from attrs import define, field, frozen

from llb._lazy import lazy_imports
from llb.arguments.checked import checked_init
from llb.buildkit_names import SESSION_UPLOADS
from llb.errors import InputError
from llb.local_files import paths

with lazy_imports(__name__):
    from llb.definition import file_contents  # 24 ms

if TYPE_CHECKING:
    from llb.definition.definition import Definition

Content: TypeAlias = bytes | Path | BinaryIO


# A message has at most 16 MiB, and holds more than the operations.
_OPERATIONS_BYTES = 12 * 2**20
# The BuildKit of a Docker before v26 accepts 4 MiB.
_DOCKER_BYTES = 3 * 2**20


def _new_url() -> str:
    # Concurrent builds that fetch the same URL would receive the same file.
    return SESSION_UPLOADS + uuid.uuid4().hex


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
        if isinstance(self.content, Path) and not paths.is_file(self.content):
            raise InputError(f"cannot upload {self.content}: no such file")


@define(eq=False)
class MemoryUploads:
    """File contents of a build's definitions that do not fit into a message.

    ``contents`` are the moved ones, by the ends of their URLs. ``is_docker`` says that the daemon
    is the BuildKit of a Docker, which may accept smaller messages.
    """

    is_docker: bool = False
    contents: dict[str, bytes] = field(factory=dict, init=False, repr=False)

    def shrink(self, definition: Definition, *, parts: int = 1) -> Definition:
        """Move file contents to uploads if the operations do not fit into their part of a message.

        ``parts`` is the number of such definitions in it. Other definitions stay as they are.
        """
        limit = _DOCKER_BYTES if self.is_docker else _OPERATIONS_BYTES
        if sum(map(len, definition.ops)) <= limit // parts:
            return definition
        moved = file_contents.move_contents(definition)
        self.contents.update(moved.contents)
        return moved.definition
