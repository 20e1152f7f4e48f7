"""Resolve digests and configs of images: the protocol and its result."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.state.image_config import ImageConfig

if TYPE_CHECKING:
    from llb.buildkit_names import ResolveMode
    from llb.platforms import Platform


@checked_init
@frozen
class ResolvedImage:
    """An image as resolved by a registry or a daemon.

    ``digest`` is that of its manifest or index. ``config`` is JSON of the OCI image specification.
    ``ref`` is the resolved reference, which a source policy of the daemon may change; None means
    the requested one.
    """

    digest: str
    config: bytes = field(repr=False)
    ref: str | None = None

    @cached_property
    def image(self) -> ImageConfig:
        """The parsed config. Raises InvalidValueError if it is malformed."""
        return ImageConfig.from_json(self.config)

    @property
    def triggers(self) -> tuple[str, ...]:
        """The ONBUILD instructions of the image."""
        return self.image.onbuild


class ImageResolver(Protocol):
    """An object that resolves image configs, for example the gateway of a frontend."""

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of ``ref``; the default platform is the daemon's."""
