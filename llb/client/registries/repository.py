"""A repository of a registry: manifests, tags and referrers, and its blobs."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from attrs import evolve, field, frozen

from llb.arguments.checked import checked_methods
from llb.client.registries import blobs, http
from llb.client.registries.descriptors import (
    DOCKER_SCHEMA1,
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    Descriptor,
    descriptors,
    digest_of,
    parse_json,
    string_map,
)
from llb.client.registries.requests import Call, invalid, valid
from llb.errors import InvalidValueError, RegistryError, TransportError
from llb.gocompat import json as gojson
from llb.reference import Reference, check_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.registries.requests import Requests

# The limit that containerd has for manifests.
_MAX_MANIFEST = 4 * 1048 * 1048
_MAX_TAGS = 16 * 2**20
_MAX_BLOB = 128 * 2**20
_ACCEPT = ", ".join((*MANIFESTS, *INDEXES, "*/*"))
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@frozen
class Manifest:
    """A manifest or an index: its descriptor and its bytes, which match the digest."""

    descriptor: Descriptor
    content: bytes = field(repr=False)


@checked_methods()
class Repository:
    """A repository of a registry; :meth:`RegistryClient.repository` names one.

    A ``reference`` is a tag or a digest in it. Methods raise RegistryError if the registry refuses a
    request or its answer is wrong, TransportError if it cannot be reached, and InputError for
    unusable credentials.
    """

    def __init__(self, requests: Requests, name: Reference) -> None:
        self._requests = requests
        self._name = name
        self._blobs = blobs.Blobs(requests, name)

    @property
    def name(self) -> str:
        """The full name, for example ``docker.io/library/alpine``."""
        return self._name.name

    def __repr__(self) -> str:
        """Format with the full name."""
        return f"Repository({self.name!r})"

    def resolve(self, reference: str) -> Descriptor:
        """Look up the descriptor of a manifest, without its content."""
        call = self._manifest_call("HEAD", reference)
        with self._requests.send(call) as response:
            digest = response.header("Docker-Content-Digest")
            length = response.header("Content-Length")
            if response.status == HTTPStatus.OK and digest and (length or "").isdecimal():
                return self._checked_descriptor(call, response, digest, int(length or 0))
            if response.status not in (HTTPStatus.OK, HTTPStatus.METHOD_NOT_ALLOWED):
                return self._refuse_head(call, response)
        return self.manifest(reference).descriptor

    def find(self, reference: str) -> Descriptor | None:
        """Look up the descriptor of a manifest, None if there is no such manifest."""
        try:
            return self.resolve(reference)
        except RegistryError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def manifest(self, reference: str) -> Manifest:
        """Read a manifest or an index, whose bytes are checked against the digest."""
        call = self._manifest_call("GET", reference)
        with self._requests.send(call) as response:
            if response.status != HTTPStatus.OK:
                raise self._requests.refuse(call, response)
            content = self._read(call, response, _MAX_MANIFEST)
            digest = reference if ":" in reference else response.header("Docker-Content-Digest")
            digest = digest or digest_of(content)
            descriptor = self._checked_descriptor(call, response, digest, len(content))
        if digest_of(content, digest) != digest:
            raise invalid(call, f"its bytes do not have the digest {digest}")
        return Manifest(descriptor, content)

    def put_manifest(
        self, content: bytes, media_type: str, *, tag: str | None = None
    ) -> Descriptor:
        """Write a manifest or an index, under its digest and with a tag also under that.

        What it refers to must be there already. A registry that does not list referrers itself gets
        the manifest of one into the index under the tag of its subject.
        """
        descriptor = Descriptor(media_type, digest_of(content), len(content))
        reference = tag or descriptor.digest
        call = self._manifest_call("PUT", reference, (("Content-Type", media_type),), content)
        with self._requests.send(call) as response:
            if response.status not in (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.ACCEPTED):
                raise self._requests.refuse(call, response)
            written = response.header("Docker-Content-Digest") or descriptor.digest
            lists_referrers = response.header("OCI-Subject") is not None
            self._read(call, response, _MAX_MANIFEST)
        if written != descriptor.digest:
            raise invalid(call, f"it was stored as {written}, not as {descriptor.digest}")
        if not lists_referrers:
            self._list_referrer(descriptor, content)
        return descriptor

    def tags(self) -> Iterator[str]:
        """List the tags, in the order of the registry."""
        path: str | None = self._path("/tags/list")
        while path is not None:
            call = self._call("GET", path, "repository")
            with self._requests.send(call) as response:
                if response.status != HTTPStatus.OK:
                    raise self._requests.refuse(call, response)
                content = self._parse(call, self._read(call, response, _MAX_TAGS))
                path = self._next(response)
            tags = content.get("tags") or []
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise invalid(call, "its tags are not a list of strings")
            yield from tags

    def referrers(self, digest: str, artifact_types: Iterable[str] = ()) -> tuple[Descriptor, ...]:
        """List the manifests that refer to a manifest, such as signatures; by default of all types.

        Registries without the call have them in an index, whose tag is the digest.
        """
        wanted = tuple(artifact_types)
        query = urlencode([("artifactType", kind) for kind in wanted])
        path = self._path(f"/referrers/{check_digest(digest)}{'?' if query else ''}{query}")
        tag = digest.replace(":", "-", 1)
        fallback = self._manifest_call("GET", tag)
        for call in (self._call("GET", path, "referrers", digest), fallback):
            with self._requests.send(call) as response:
                if response.status == HTTPStatus.OK:
                    content = self._parse(call, self._read(call, response, _MAX_MANIFEST))
                    break
                if call is fallback and response.status != HTTPStatus.NOT_FOUND:
                    raise self._requests.refuse(call, response)
        else:
            return ()
        if content.get("mediaType", OCI_INDEX) != OCI_INDEX:
            raise invalid(call, "its referrers are not an OCI index")
        with valid(call):
            found = descriptors(content, "manifests")
        return tuple(one for one in found if not wanted or one.artifact_type in wanted)

    def has_blob(self, digest: str) -> bool:
        """Check whether a blob exists."""
        return self._blobs.exists(check_digest(digest))

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Read a blob piece by piece. Raises RegistryError at its end if it has another digest."""
        return self._blobs.read(descriptor)

    def read_blob(self, descriptor: Descriptor) -> bytes:
        """Read a blob of at most 128 MiB, such as a config or an SBOM, as a whole."""
        if descriptor.size > _MAX_BLOB:
            call = self._call("GET", "", "blob", descriptor.digest)
            raise invalid(call, f"it has {descriptor.size} bytes, more than {_MAX_BLOB}")
        return b"".join(self._blobs.read(descriptor))

    def put_blob(self, content: bytes, *, chunk_size: int | None = None) -> str:
        """Write a blob unless it exists, and return its digest.

        It is sent in one request, or with ``chunk_size`` in several that have as many bytes.
        """
        digest = digest_of(content)
        if not self._blobs.exists(digest):
            self._blobs.write(digest, len(content), content, chunk_size=chunk_size)
        return digest

    def put_blob_from(
        self, descriptor: Descriptor, pieces: Iterable[bytes], *, chunk_size: int | None = None
    ) -> None:
        """Write a blob of a known digest and size, whose pieces are read as they are sent."""
        self._blobs.write(descriptor.digest, descriptor.size, pieces, chunk_size=chunk_size)

    def copy_blob(self, descriptor: Descriptor, source: Repository) -> None:
        """Copy a blob from another repository unless it exists here.

        A registry mounts a blob of its own; if it refuses that, the blob is copied.
        """
        same = source._name.domain == self._name.domain
        self._blobs.copy(descriptor, source._blobs, is_mounted=same)

    def _list_referrer(self, descriptor: Descriptor, content: bytes) -> None:
        """Add a referrer to the index of its subject (distribution-spec, "Pushing Manifests")."""
        values = _json_or_empty(content)
        subject = values.get("subject")
        if not isinstance(subject, dict) or not isinstance(subject.get("digest"), str):
            return
        tag = check_digest(subject["digest"]).replace(":", "-", 1)
        known = () if self.find(tag) is None else _index_of(self.manifest(tag))
        if descriptor.digest in [one.digest for one in known]:
            return
        config = values.get("config")
        kind = values.get("artifactType") or (config or {}).get("mediaType")
        referrer = evolve(
            descriptor, artifact_type=kind, annotations=string_map(values, "annotations")
        )
        index = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [one.to_json() for one in (*known, referrer)],
        }
        self.put_manifest(gojson.dumps(index).encode(), OCI_INDEX, tag=tag)

    def _manifest_call(
        self,
        method: str,
        reference: str,
        headers: tuple[tuple[str, str], ...] = (("Accept", _ACCEPT),),
        body: bytes = b"",
    ) -> Call:
        reference = _check_reference(reference)
        path = self._path(f"/manifests/{quote(reference, safe=':')}")
        return self._call(method, path, "manifest", reference, headers, body)

    def _call(
        self,
        method: str,
        path: str,
        subject: str,
        reference: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Call:
        actions = "pull,push" if method == "PUT" else "pull"
        scopes = (f"repository:{self._name.path}:{actions}",)
        return Call(method, self._name, path, subject, reference, scopes, headers, body)

    def _path(self, rest: str) -> str:
        return f"/v2/{self._name.path}{rest}"

    def _next(self, response: http.Response) -> str | None:
        """Read the path of the next page, on the same server."""
        match = _NEXT.search(response.header("Link") or "")
        if match is None:
            return None
        url = urljoin(response.url, match[1])
        if http.origin(url) != http.origin(response.url):
            return None
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def _refuse_head(self, call: Call, response: http.Response) -> Descriptor:
        """Raise the error of a request without a body, whose reason only another one tells."""
        if response.status == HTTPStatus.NOT_FOUND:
            raise self._requests.refuse(call, response)
        return self.manifest(call.reference or "").descriptor

    def _checked_descriptor(
        self, call: Call, response: http.Response, digest: str, size: int
    ) -> Descriptor:
        media_type = (response.header("Content-Type") or "").partition(";")[0].strip()
        if media_type == "text/plain":
            media_type = DOCKER_SCHEMA1
        if size > _MAX_MANIFEST:
            raise invalid(call, f"it has more than {_MAX_MANIFEST} bytes")
        if ":" in (call.reference or "") and digest != call.reference:
            raise invalid(call, f"the registry answers with the digest {digest}")
        with valid(call):
            return Descriptor(media_type, digest, size)

    def _read(self, call: Call, response: http.Response, limit: int) -> bytes:
        try:
            return response.read(limit)
        except http.FAILURES as error:
            raise TransportError(
                f"{call.where}: the answer of {call.host} is incomplete: {error}"
            ) from error

    def _parse(self, call: Call, content: bytes) -> dict[str, object]:
        with valid(call):
            return parse_json(content, call.subject)


def _json_or_empty(content: bytes) -> dict[str, Any]:
    """Parse a manifest; the registry, which accepted it, decides what it may be."""
    try:
        return parse_json(content, "manifest")
    except InvalidValueError:
        return {}


def _index_of(manifest: Manifest) -> tuple[Descriptor, ...]:
    return descriptors(parse_json(manifest.content, "index"), "manifests")


def _check_reference(reference: str) -> str:
    """Check a tag or digest. Raises InvalidValueError."""
    if ":" in reference:
        return check_digest(reference)
    if not _TAG.match(reference):
        raise InvalidValueError(
            f"invalid tag {reference!r}: expected at most 128 letters, digits, '_', '.' and '-'"
        )
    return reference
