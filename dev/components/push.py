"""Push images to a registry over the HTTP API of the OCI distribution spec."""

from __future__ import annotations

import http.client
import io
from typing import BinaryIO
from urllib.parse import urlencode, urlsplit, urlunsplit

from components import oci
from components.settings import StackError

TIMEOUT_SECONDS = 60.0


def push(registry: str, repository: str, tag: str, image: oci.Image) -> None:
    """Push `image` to `registry`/`repository`:`tag`. Raises StackError if the registry refuses."""
    with image.layer.path.open("rb") as layer:
        _push_blob(registry, repository, image.layer.digest, layer)
    _push_blob(registry, repository, oci.digest(image.config), io.BytesIO(image.config))
    path = f"/v2/{repository}/manifests/{tag}"
    manifest = io.BytesIO(image.manifest)
    _request(registry, "PUT", path, manifest, oci.MANIFEST, expect=http.client.CREATED)


def digest_of(registry: str, repository: str, tag: str) -> str | None:
    """Request the digest of the manifest at a tag; None if the tag does not exist."""
    path = f"/v2/{repository}/manifests/{tag}"
    headers = _send(registry, "HEAD", path, None, {"Accept": oci.MANIFEST})[1]
    return headers.get("Docker-Content-Digest")


def _push_blob(registry: str, repository: str, digest: str, content: BinaryIO) -> None:
    status, _ = _send(registry, "HEAD", f"/v2/{repository}/blobs/{digest}", None, {})
    if status == http.client.OK:
        return
    begin = f"/v2/{repository}/blobs/uploads/"
    headers = _request(registry, "POST", begin, None, None, expect=http.client.ACCEPTED)
    location = urlsplit(headers["Location"])
    query = "&".join(filter(None, [location.query, urlencode({"digest": digest})]))
    path = urlunsplit(("", "", location.path, query, ""))
    binary = "application/octet-stream"
    _request(registry, "PUT", path, content, binary, expect=http.client.CREATED)


def _request(
    registry: str,
    method: str,
    path: str,
    body: BinaryIO | None,
    media_type: str | None,
    *,
    expect: int,
) -> http.client.HTTPMessage:
    headers = {"Content-Type": media_type} if media_type else {}
    status, received = _send(registry, method, path, body, headers)
    if status != expect:
        raise StackError(f"the registry answered {status} to {method} {path}")
    return received


def _send(
    registry: str, method: str, path: str, body: BinaryIO | None, headers: dict[str, str]
) -> tuple[int, http.client.HTTPMessage]:
    if body is not None:
        headers = headers | {"Content-Length": str(body.seek(0, io.SEEK_END))}
        body.seek(0)
    connection = http.client.HTTPConnection(registry, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status, response.headers
    finally:
        connection.close()
