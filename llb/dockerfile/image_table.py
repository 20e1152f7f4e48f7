"""Resolve images from a table instead of a registry, for reproducible conversions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from llb import Reference, State
from llb.arguments.checked import checked, checked_init
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


@checked_init
@frozen
class ImageTable:
    """Digests and configs by image reference, with ``*`` as the default for all others.

    It is callable, and so a resolver for :func:`llb.dockerfile.convert`.
    """

    images: Mapping[str, ResolvedImage] = field(repr=False)

    @classmethod
    @checked
    def from_json(cls, text: str | bytes) -> ImageTable:
        """Parse a resolver file.

        It maps an image reference, in short or full form, or ``*`` for any image, to an object
        with ``digest`` and ``config``. The config is a string with the exact JSON, or an object.
        Raises InputError.
        """
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"invalid JSON in the resolver file: {error}", hint=_SHAPE) from error
        if not isinstance(entries, dict):
            raise InputError("the resolver file is not a JSON object", hint=_SHAPE)
        return cls({_full_ref(ref): _parse_entry(ref, entry) for ref, entry in entries.items()})

    def __call__(self, request: ImageRequest) -> ResolvedImage:
        """Look up the image of a request. Raises DockerfileError if the table does not have it."""
        image = self.images.get(request.ref, self.images.get(ANY))
        if image is None:
            refs = [ref for ref in self.images if ref != ANY]
            raise errors.unknown_image(request.span, request.ref, refs)
        return image


def resolve_purely(
    requests: tuple[Request, ...], resolver: Resolver, options: ConvertOptions
) -> Found:
    """Resolve images and named contexts without a daemon."""
    return {
        request: resolver(request)
        if isinstance(request, ImageRequest)
        else load_context(request, _OfflineContexts(request, resolver, options))
        for request in requests
    }


@frozen
class _OfflineContexts:
    """Named contexts without a client: images from the resolver, and directories by name only."""

    request: ContextRequest
    resolver: Resolver
    options: ConvertOptions

    @property
    def session_id(self) -> str | None:
        return self.options.session_id

    @property
    def git_advice(self) -> bool:
        return self.options.git_advice

    def image(
        self,
        ref: str,
        platform: Platform | None,
        log_name: str,  # noqa: ARG002 - the signature
    ) -> tuple[str, bytes]:
        image = self._resolve(ref, platform)
        return image.ref or ref, image.config

    def layout_image(
        self,
        ref: str,
        store: str,  # noqa: ARG002 - the signature
        platform: Platform | None,
        log_name: str,  # noqa: ARG002 - the signature
    ) -> bytes:
        return self._resolve(ref, platform).config

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

    def _resolve(self, ref: str, platform: Platform | None) -> ResolvedImage:
        span = self.request.span
        if span is None:
            span = errors.Source(self.options.filename, b"", "").span(1)
        return self.resolver(
            ImageRequest(ref, platform or self.options.platform, self.request.name, span)
        )


def _full_ref(ref: str) -> str:
    """Normalize a reference to the full form that requests use."""
    try:
        return ref if ref == ANY else str(Reference.parse(ref).tagged())
    except InvalidValueError as error:
        raise InputError(f"invalid image in the resolver file: {error.message}") from error


def _parse_entry(ref: str, entry: Any) -> ResolvedImage:
    match entry:
        case {"digest": str(digest), "config": str(config)} if _DIGEST.match(digest):
            return ResolvedImage(digest, config.encode())
        case {"digest": str(digest), "config": dict(config)} if _DIGEST.match(digest):
            return ResolvedImage(digest, json.dumps(config, ensure_ascii=False).encode())
        case _:
            raise InputError(f"invalid entry for {ref} in the resolver file", hint=_SHAPE)
