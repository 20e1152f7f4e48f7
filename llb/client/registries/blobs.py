"""Blobs of a repository: read and verified, written in one or several requests, and mounted."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from attrs import frozen

from llb.client.registries import http
from llb.client.registries.requests import Call, invalid
from llb.errors import InvalidValueError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.registries.descriptors import Descriptor
    from llb.client.registries.http import Response
    from llb.client.registries.requests import Requests
    from llb.reference import Reference

_BINARY = (("Content-Type", "application/octet-stream"),)
_WRITTEN = (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.NO_CONTENT)


@frozen
class Blobs:
    """The blobs of a repository. Methods raise the errors of Repository."""

    requests: Requests
    name: Reference

    def exists(self, digest: str) -> bool:
        """Check whether a blob exists."""
        call = self._call("HEAD", f"/{digest}", digest, "pull")
        with self.requests.send(call) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return False
            if response.status != HTTPStatus.OK:
                raise self.requests.refuse(call, response)
            return True

    def read(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob as it arrives; its end is an error if the size or the digest differs."""
        digest = descriptor.digest
        call = self._call("GET", f"/{digest}", digest, "pull")
        checksum = hashlib.new(digest.partition(":")[0])
        size = 0
        with self.requests.send(call) as response:
            if response.status != HTTPStatus.OK:
                raise self.requests.refuse(call, response)
            for piece in _pieces(call, response):
                checksum.update(piece)
                size += len(piece)
                if size > descriptor.size:
                    break
                yield piece
        if size != descriptor.size:
            raise invalid(call, f"its size is not the expected {descriptor.size} bytes")
        if checksum.hexdigest() != digest.partition(":")[2]:
            raise invalid(call, "its bytes do not have this digest")

    def write(
        self,
        digest: str,
        size: int,
        content: bytes | Iterable[bytes],
        *,
        chunk_size: int | None = None,
        upload: str | None = None,
    ) -> None:
        """Write a blob in one request, or in several of ``chunk_size`` bytes.

        ``content`` may be pieces, which are read as they are sent. ``upload`` is the URL of an upload
        that has begun.
        """
        if chunk_size is not None and chunk_size < 1:
            raise InvalidValueError(f"invalid chunk_size {chunk_size}: expected a positive number")
        least = 0
        if upload is None:
            upload, least = self._begin(digest)
        if chunk_size is not None and size > chunk_size:
            pieces = (content,) if isinstance(content, bytes) else content
            upload = self._send_chunks(digest, upload, pieces, max(chunk_size, least))
            size, content = 0, b""
        url = _with_digest(upload, digest)
        call = self._upload_call("PUT", url, digest, _BINARY, content if size else b"", size)
        with self.requests.send(call) as response:
            if response.status not in _WRITTEN:
                raise self.requests.refuse(call, response)

    def copy(self, descriptor: Descriptor, source: Blobs, *, is_mounted: bool) -> None:
        """Copy a blob of another repository unless it exists here, by mounting it if possible."""
        digest = descriptor.digest
        if self.exists(digest):
            return
        upload = None
        if is_mounted:
            is_there, upload = self._mount(digest, source)
            if is_there:
                return
        self.write(digest, descriptor.size, source.read(descriptor), upload=upload)

    def _mount(self, digest: str, source: Blobs) -> tuple[bool, str | None]:
        """Mount a blob; return whether it is there, or the URL of an upload that began instead."""
        query = urlencode({"mount": digest, "from": source.name.path})
        call = self._call("POST", f"/uploads/?{query}", digest, "pull,push", source)
        with self.requests.send(call) as response:
            if response.status == HTTPStatus.ACCEPTED:
                return False, self._location(call, response)
            # A registry that refuses may still accept an upload.
            return response.status == HTTPStatus.CREATED, None

    def _begin(self, digest: str) -> tuple[str, int]:
        """Begin an upload; return its URL and the least size of its chunks."""
        call = self._call("POST", "/uploads/", digest, "pull,push")
        with self.requests.send(call) as response:
            if response.status != HTTPStatus.ACCEPTED:
                raise self.requests.refuse(call, response)
            least = response.header("OCI-Chunk-Min-Length") or ""
            return self._location(call, response), int(least) if least.isdecimal() else 0

    def _send_chunks(self, digest: str, upload: str, pieces: Iterable[bytes], size: int) -> str:
        """Send the chunks of a blob; return the URL with which the upload ends."""
        start = 0
        for chunk in _chunks(pieces, size):
            position = (("Content-Range", f"{start}-{start + len(chunk) - 1}"),)
            call = self._upload_call(
                "PATCH", upload, digest, (*_BINARY, *position), chunk, len(chunk)
            )
            with self.requests.send(call) as response:
                if response.status not in (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
                    raise self.requests.refuse(call, response)
                upload = self._location(call, response)
            start += len(chunk)
        return upload

    def _location(self, call: Call, response: Response) -> str:
        location = response.header("Location")
        if not location:
            raise invalid(call, "the registry did not say where to send it")
        return urljoin(response.url, location)

    def _call(
        self, method: str, rest: str, digest: str, actions: str, source: Blobs | None = None
    ) -> Call:
        scopes = [f"repository:{self.name.path}:{actions}"]
        if source is not None:
            scopes.append(f"repository:{source.name.path}:pull")
        path = f"/v2/{self.name.path}/blobs{rest}"
        return Call(method, self.name, path, "blob", digest, tuple(scopes))

    def _upload_call(
        self,
        method: str,
        url: str,
        digest: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes | Iterable[bytes],
        size: int,
    ) -> Call:
        scopes = (f"repository:{self.name.path}:pull,push",)
        return Call(method, self.name, url, "blob", digest, scopes, headers, body, size)


def _pieces(call: Call, response: Response) -> Iterator[bytes]:
    try:
        yield from response.pieces()
    except http.FAILURES as error:
        raise TransportError(f"{call.where}: {call.host} broke off the blob: {error}") from error


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join and cut the pieces to chunks of a size; the last may be smaller."""
    rest = b""
    for piece in pieces:
        rest += piece
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if rest:
        yield rest


def _with_digest(url: str, digest: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("digest", digest)]
    return parts._replace(query=urlencode(query, quote_via=quote, safe=":")).geturl()
