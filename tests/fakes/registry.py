"""A registry in memory, as the OCI distribution specification describes it, with faults."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from attrs import field, mutable

from tests.http_server import http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATH = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>.*)\Z")
_INDEX = "application/vnd.oci.image.index.v1+json"

Answer = tuple[int, dict[str, str], bytes]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@mutable
class Store:
    """A repository: blobs by digest, manifests by digest with their media types, and tags."""

    blobs: dict[str, bytes] = field(factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(factory=dict)
    tags: dict[str, str] = field(factory=dict)

    def put_blob(self, data: bytes) -> str:
        self.blobs[digest_of(data)] = data
        return digest_of(data)

    def put_manifest(self, content: object, tag: str | None = None) -> str:
        """Store a manifest with its own media type, as bytes or as JSON values."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = digest_of(data)
        media_type = json.loads(data).get("mediaType", "application/octet-stream")
        self.manifests[digest] = (media_type, data)
        if tag is not None:
            self.tags[tag] = digest
        return digest


@mutable
class FakeRegistry:
    """The repositories of a registry, its requests, and how it misbehaves.

    ``fault`` is called with the method and the path of a request; if it returns an answer, that is
    sent instead. ``has_referrers`` and ``mounts`` tell which optional calls the registry knows.
    """

    host: str = ""
    repositories: dict[str, Store] = field(factory=dict)
    requests: list[tuple[str, str]] = field(factory=list)
    headers: list[dict[str, str]] = field(factory=list)
    fault: Callable[[str, str], Answer | None] = field(default=lambda _method, _path: None)
    has_referrers: bool = True
    mounts: bool = True
    page: int = 100
    _uploads: dict[str, bytes] = field(factory=dict)

    def repository(self, name: str) -> Store:
        return self.repositories.setdefault(name, Store())

    def writes(self) -> list[tuple[str, str]]:
        """List the requests that write manifests."""
        return [
            (method, path) for method, path in self.requests if method == "PUT" and "/manif" in path
        ]

    def answer(self, method: str, target: str, media_type: str, body: bytes) -> Answer:
        url = urlsplit(target)
        self.requests.append((method, url.path))
        fault = self.fault(method, target)
        if fault is not None:
            return fault
        match = _PATH.match(url.path)
        if match is None:
            return 200 if url.path == "/v2/" else 404, {}, b""
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        call: Callable[..., Answer] = getattr(self, f"_{match['kind']}")
        return call(method, match["name"], match["rest"], query, (media_type, body))

    def _manifests(
        self, method: str, name: str, rest: str, _query: dict[str, str], sent: tuple[str, bytes]
    ) -> Answer:
        store = self.repository(name)
        if method == "PUT":
            digest = digest_of(sent[1])
            missing = next((one for one in _references(sent[1]) if not self._has(store, one)), None)
            if missing is not None:
                return error(400, "MANIFEST_BLOB_UNKNOWN", f"unknown {missing}")
            store.manifests[digest] = sent
            if not rest.startswith("sha256:"):
                store.tags[rest] = digest
            subject = (json.loads(sent[1]).get("subject") or {}).get("digest")
            listed = {"OCI-Subject": subject} if subject and self.has_referrers else {}
            return 201, {"Docker-Content-Digest": digest, **listed}, b""
        digest = store.tags.get(rest, rest)
        if digest not in store.manifests:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, data = store.manifests[digest]
        return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, data

    def _blobs(
        self, method: str, name: str, rest: str, query: dict[str, str], sent: tuple[str, bytes]
    ) -> Answer:
        store = self.repository(name)
        if not rest.startswith("uploads/"):
            if rest not in store.blobs:
                return error(404, "BLOB_UNKNOWN", "blob unknown")
            return 200, {"Content-Type": "application/octet-stream"}, store.blobs[rest]
        if method == "POST":
            source = self.repositories.get(query.get("from", ""), Store())
            if self.mounts and query.get("mount") in source.blobs:
                store.blobs[query["mount"]] = source.blobs[query["mount"]]
                return 201, {"Location": f"/v2/{name}/blobs/{query['mount']}"}, b""
            upload = f"u{len(self._uploads)}"
            self._uploads[upload] = b""
        else:
            upload = rest.removeprefix("uploads/")
            self._uploads[upload] += sent[1]
        if method != "PUT":
            return 202, {"Location": f"/v2/{name}/blobs/uploads/{upload}?state=a%2Fb"}, b""
        if digest_of(self._uploads[upload]) != query["digest"]:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        return 201, {"Location": f"/v2/{name}/blobs/{store.put_blob(self._uploads[upload])}"}, b""

    def _tags(
        self, _method: str, name: str, _rest: str, query: dict[str, str], _sent: object
    ) -> Answer:
        names = sorted(self.repository(name).tags)
        start = int(query.get("start", 0))
        shown = names[start : start + self.page]
        end = start + len(shown)
        link = (
            {"Link": f'</v2/{name}/tags/list?start={end}>; rel="next"'} if end < len(names) else {}
        )
        return 200, link, json.dumps({"name": name, "tags": shown}).encode()

    def _referrers(
        self, _method: str, name: str, rest: str, _query: dict[str, str], _sent: object
    ) -> Answer:
        if not self.has_referrers:
            return 404, {}, b"404 page not found"
        found = [
            _referrer(digest, media_type, data)
            for digest, (media_type, data) in self.repository(name).manifests.items()
            if (json.loads(data).get("subject") or {}).get("digest") == rest
        ]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}
        return 200, {"Content-Type": _INDEX}, json.dumps(index).encode()

    def _has(self, store: Store, digest: str) -> bool:
        return digest in store.blobs or digest in store.manifests


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Build the answer with an error, as registries send it."""
    body = {"errors": [{"code": code, "message": message}]}
    return status, headers or {}, json.dumps(body).encode()


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """Run a registry; its host has a port."""
    registry = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            registry.headers.append({key.lower(): value for key, value in self.headers.items()})
            media_type = self.headers.get("Content-Type") or ""
            status, headers, data = registry.answer(self.command, self.path, media_type, body)
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(data))} | headers).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                # A client may close the connection early.
                with suppress(ConnectionError):
                    self.wfile.write(data)
            if headers.get("Content-Length", str(len(data))) != str(len(data)):
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with http_server(Handler) as url:
        registry.host = url.removeprefix("http://")
        yield registry


def _references(data: bytes) -> list[str]:
    """List the digests to which a manifest refers, which a registry must have."""
    content = json.loads(data)
    found = [*content.get("manifests", ()), *content.get("layers", ())]
    found += [content["config"]] if "config" in content else []
    return [one["digest"] for one in found]


def _referrer(digest: str, media_type: str, data: bytes) -> dict[str, Any]:
    content = json.loads(data)
    kind = content.get("artifactType") or content["config"]["mediaType"]
    found = {"mediaType": media_type, "digest": digest, "size": len(data), "artifactType": kind}
    return found | ({"annotations": content["annotations"]} if "annotations" in content else {})
