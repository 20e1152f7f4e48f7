"""Uploads that several nodes fetch: a stream is read once, into a file that all of them read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.client.session.uploads import Upload
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class SharedUploads:
    """The uploads of a build on several nodes. Raises InputError for an unreadable stream."""

    def __init__(self, uploads: Iterable[Upload]) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._uploads = [self._to_shared(upload) for upload in uploads]
        except (OSError, ValueError) as error:
            self.close()
            raise InputError(f"cannot read the upload: {error}") from error

    def for_node(self) -> list[Upload]:
        """List the uploads for one node."""
        return self._uploads

    def close(self) -> None:
        """Remove the copies of streams."""
        if self._folder is not None:
            self._folder.cleanup()

    def _to_shared(self, upload: Upload) -> Upload:
        if isinstance(upload.content, bytes | Path):
            return upload
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="llb-")
        path = Path(self._folder.name, upload.url.rpartition("/")[2])
        with path.open("wb") as file:
            shutil.copyfileobj(upload.content, file)
        return _StoredUpload(path, url=upload.url)


@frozen(eq=False)
class _StoredUpload(Upload):
    """An upload with the URL of another one."""

    url: str = field(kw_only=True)
