"""Requests of a conversion to its driver: images, and the named contexts that replace them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.dockerfile.sources.named_contexts import ContextRequest, ResolvedContext
from llb.sources.image_resolver import ResolvedImage

if TYPE_CHECKING:
    from llb import Platform
    from llb.errors import Span


@frozen
class ImageRequest:
    """A request for the digest and config of an image.

    ``ref`` is the full reference, ``name`` the reference as it is written.
    """

    ref: str
    platform: Platform
    name: str = field(eq=False, repr=False)
    span: Span = field(eq=False, repr=False)


Request = ImageRequest | ContextRequest
Resolved = ResolvedImage | ResolvedContext
Found = Mapping[Request, Resolved]
Resolve = Callable[[tuple[Request, ...]], Found]
