"""Images from a table: what stands in for a registry where a conversion must be repeatable."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from llb import Reference, State
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.sources.named_contexts import ContextRequest, LocalTree, load_context
from llb.dockerfile.sources.requests import ImageRequest
from llb.errors import InputError, InvalidValueError
from llb.sources.image_resolver import ResolvedImage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb import Platform
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.requests import Found, Request

Resolver: TypeAlias = "Callable[[ImageRequest], ResolvedImage]"

ANY = "*"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SHAPE = '{"REFERENCE or *": {"digest": "sha256:…", "config": "JSON"}}'


@frozen
class ImageTable:
    """Digests and configs by image reference, and those of any other under ``*``.

    It resolves by being called, as a resolver of :func:`llb.dockerfile.convert` does.
    """

    images: Mapping[str, ResolvedImage] = field(repr=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ImageTable:
        """Return the table that a resolver file holds.

        It maps a reference, as it is written or in full form, or ``*`` for any, to an object
        with ``digest`` and ``config``. The config is the exact JSON text, or an object.
        Raises InputError.
        """
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the resolver file is no JSON: {error}", hint=_SHAPE) from error
        if not isinstance(entries, dict):
            raise InputError("the resolver file is no JSON object", hint=_SHAPE)
        return cls({_full(ref): _image(ref, entry) for ref, entry in entries.items()})

    def __call__(self, request: ImageRequest) -> ResolvedImage:
        """Return the image of a request. Raises DockerfileError where the table has none."""
        found = self.images.get(request.ref, self.images.get(ANY))
        if found is None:
            known = [ref for ref in self.images if ref != ANY]
            raise errors.unknown_image(request.span, request.ref, known)
        return found


def resolve_purely(
    requests: tuple[Request, ...], resolver: Resolver, options: ConvertOptions
) -> Found:
    """Return images and named contexts of which no daemon knows anything."""
    return {
        each: resolver(each)
        if isinstance(each, ImageRequest)
        else load_context(each, _Contexts(each, resolver, options))
        for each in requests
    }


@frozen
class _Contexts:
    """What a named context may be where there is no client: images, and directories unread."""

    request: ContextRequest
    resolver: Resolver
    options: ConvertOptions

    @property
    def session_id(self) -> str | None:
        return self.options.session_id

    def image(
        self,
        ref: str,
        platform: Platform | None,
        log_name: str,  # noqa: ARG002 - the signature
    ) -> tuple[str, bytes]:
        found = self._resolved(ref, platform)
        return found.ref or ref, found.config

    def layout_image(
        self,
        ref: str,
        store: str,  # noqa: ARG002 - the signature
        platform: Platform | None,
        log_name: str,  # noqa: ARG002 - the signature
    ) -> bytes:
        return self._resolved(ref, platform).config

    def local(self, request: ContextRequest, name: str) -> LocalTree:
        return LocalTree(
            name,
            f"[context {request.key}] load from client",
            f"context:{request.key}",
            (),
            self.options.session_id,
            self.options.unique_id,
        )

    def given(self, name: str) -> tuple[State, bytes | None] | None:  # noqa: ARG002 - the signature
        return None

    def _resolved(self, ref: str, platform: Platform | None) -> ResolvedImage:
        span = self.request.span
        if span is None:
            span = errors.Source(self.options.filename, b"", "").span(1)
        return self.resolver(
            ImageRequest(ref, platform or self.options.platform, self.request.name, span)
        )


def _full(ref: str) -> str:
    """Return a reference in the form in which images are asked for."""
    try:
        return ref if ref == ANY else str(Reference.parse(ref).tagged())
    except InvalidValueError as error:
        raise InputError(f"the resolver file names no image: {error.message}") from error


def _image(ref: str, entry: Any) -> ResolvedImage:
    match entry:
        case {"digest": str(digest), "config": str(config)} if _DIGEST.match(digest):
            return ResolvedImage(digest, config.encode())
        case {"digest": str(digest), "config": dict(config)} if _DIGEST.match(digest):
            return ResolvedImage(digest, json.dumps(config, ensure_ascii=False).encode())
        case _:
            raise InputError(f"the resolver file has no digest and config of {ref}", hint=_SHAPE)
