"""Digests and configs of images, and who is asked for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from llb.state.image_config import ImageConfig

if TYPE_CHECKING:
    from llb.platforms import Platform


@frozen
class ResolvedImage:
    """An image as a registry or a daemon resolves it.

    ``digest`` is that of its manifest or index, ``config`` its config, JSON of the OCI image
    specification. ``ref`` is the resolved reference, which a policy of the daemon may change; None
    is the requested one.
    """

    digest: str
    config: bytes = field(repr=False)
    ref: str | None = None

    @cached_property
    def image(self) -> ImageConfig:
        """The config as a value. Raises InvalidValueError."""
        return ImageConfig.from_json(self.config)

    @property
    def triggers(self) -> tuple[str, ...]:
        """The ONBUILD instructions of the image."""
        return self.image.onbuild


class ImageResolver(Protocol):
    """Something that knows the configs of images: a frontend's gateway, for one."""

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        """Return digest and config of ``ref``; an absent platform is the daemon's own."""
