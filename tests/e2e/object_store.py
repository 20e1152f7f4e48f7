"""A fake object store on the loopback: the parts of S3, Azure and GitHub that a cache needs."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class ObjectStore:
    """The stored objects by path, and each request as method, path and authorization."""

    address: str
    objects: dict[str, bytes] = field(factory=dict)
    requests: list[tuple[str, str, str]] = field(factory=list)


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """Serve an object store that answers PUT, GET and HEAD by path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store = ObjectStore(f"http://127.0.0.1:{server.server_port}")
    server.store = store  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """The handler of one request from the daemon."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Store an object."""
        body = self._body()
        self._note()
        self._store.objects[self._path] = body
        self._answer(201, etag_of=body)

    def do_GET(self) -> None:
        """Send an object, or the requested range of it."""
        self._note()
        content = self._store.objects.get(self._path)
        if content is None:
            self._answer(404)
            return
        requested = (
            self.headers.get("Range") or self.headers.get("x-ms-range") or ""
        ).removeprefix("bytes=")
        if not requested:
            self._answer(200, content, etag_of=content)
            return
        first, _, last = requested.partition("-")
        end = min(int(last), len(content) - 1) if last else len(content) - 1
        self._answer(
            206,
            content[int(first) : end + 1],
            etag_of=content,
            headers={"Content-Range": f"bytes {first}-{end}/{len(content)}"},
        )

    def do_HEAD(self) -> None:
        """Send the size of an object."""
        self._note()
        content = self._store.objects.get(self._path)
        self._answer(404 if content is None else 200, content or b"", etag_of=content or b"")

    def do_POST(self) -> None:
        """Refuse a request that is not for an object."""
        self._body()
        self._note()
        self._answer(501)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    @property
    def _store(self) -> ObjectStore:
        store = self.server.store  # type: ignore[attr-defined]
        assert isinstance(store, ObjectStore)
        return store

    @property
    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _note(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self._store.requests.append((self.command, self._path, authorization))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        *,
        etag_of: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("x-ms-error-code", "BlobNotFound")
        self.send_header("ETag", f'"{hashlib.md5(etag_of).hexdigest()}"')
        self.send_header("Last-Modified", formatdate(usegmt=True))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
