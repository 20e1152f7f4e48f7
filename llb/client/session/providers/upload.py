"""``moby.upload.v1.Upload``: send uploads, which the daemon fetches like URLs on the web."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from llb._pb import upload_pb2 as pb
from llb.errors import InputError, LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from llb.client.session.uploads import Content, Upload
    from llb.grpc import Handler, ServerCall

_PATH = "urlpath"
_UNKNOWN, _NOT_FOUND = 2, 5
_CHUNK = 1024 * 1024


class Uploads:
    """A service that sends uploads by the last component of their URLs.

    ``contents`` are more of them by that name; they may be added during the build.
    """

    def __init__(
        self, uploads: Iterable[Upload], contents: Mapping[str, bytes] | None = None
    ) -> None:
        self.failures: list[LLBError] = []
        self._contents = {_name(upload.url): upload.content for upload in uploads}
        self._more = {} if contents is None else contents

    def handlers(self) -> Mapping[str, Handler]:
        """Map Pull to its handler."""
        return {"/moby.upload.v1.Upload/Pull": self._pull}

    def _pull(self, call: ServerCall) -> None:
        (path, *_) = call.metadata.get(_PATH, ("",))
        content = self._contents.get(_name(path), self._more.get(_name(path)))
        if content is None:
            raise RemoteError(f"unknown upload {path}", code=_NOT_FOUND)
        if not isinstance(content, bytes | Path):
            # A stream can be read only once.
            del self._contents[_name(path)]
        try:
            with _open(content) as file:
                while data := file.read(_CHUNK):
                    call.send(pb.BytesMessage(data=data).SerializeToString())
        except (OSError, ValueError) as error:
            failure = InputError(f"cannot read the upload: {error}")
            self.failures.append(failure)
            raise RemoteError(failure.message, code=_UNKNOWN) from error


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _open(content: Content) -> AbstractContextManager[BinaryIO]:
    match content:
        case bytes():
            return io.BytesIO(content)
        case Path():
            return content.open("rb")
        case _:
            # The caller who opened a stream closes it.
            return nullcontext(content)
