"""Fake images: resolve image configs by reference, without a registry."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, evolve, field, frozen

from llb import ImageConfig, Platform, Reference, ResolvedImage
from llb.arguments.checked import checked, checked_init
from llb.buildkit_names import DEFAULT_PATH_ENV, ResolveMode
from llb.errors import InvalidValueError, RemoteError
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN = 2
_WILDCARD = "*"


def _platforms(platforms: tuple[Platform | str, ...]) -> tuple[Platform, ...]:
    return tuple(map(to_platform, platforms))


@checked_init
@frozen
class FakeImage:
    """The config of an image for one or more platforms.

    ``config`` holds the fields that steps do not use, such as entrypoint, cmd, user and
    ONBUILD. ``env`` holds pairs, ``layers`` is the number of layers.
    """

    config: ImageConfig = field(default=ImageConfig())
    env: tuple[tuple[str, str], ...] = (("PATH", DEFAULT_PATH_ENV),)
    workdir: str = ""
    platforms: tuple[Platform, ...] = field(
        default=(Platform("linux", "amd64"), Platform("linux", "arm64")), converter=_platforms
    )
    layers: int = 1

    @checked
    def to_json(self, platform: Platform | str = "linux/amd64") -> bytes:
        """Encode the config as JSON for a platform, by default the first of the image."""
        requested = to_platform(platform).normalize()
        available = {candidate.normalize(): candidate for candidate in self.platforms}
        config = evolve(
            self.config,
            platform=available.get(requested, self.platforms[0]),
            env=tuple(f"{key}={value}" for key, value in self.env),
            workdir=self.workdir,
            diff_ids=tuple(_digest(f"layer {number}") for number in range(self.layers)),
            history=({"created_by": "fake"},) * self.layers,
        )
        return config.to_json()


ALPINE = FakeImage(ImageConfig(cmd=("/bin/sh",)), workdir="/")
"""Like alpine: only a shell is set."""

DEBIAN = FakeImage(ImageConfig(cmd=("bash",)))
"""Like debian."""

DISTROLESS = FakeImage(
    ImageConfig(user="65532"),
    env=(("PATH", DEFAULT_PATH_ENV), ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")),
    workdir="/home/nonroot",
)
"""Like gcr.io/distroless/static:nonroot: a user and a working directory, but no shell."""

ONBUILD = FakeImage(
    ImageConfig(cmd=("node",), onbuild=("COPY package.json ./", "RUN npm install")),
    workdir="/app",
)
"""An image with ONBUILD instructions."""

WINDOWS = FakeImage(
    ImageConfig(cmd=("c:\\windows\\system32\\cmd.exe",), user="ContainerUser"),
    env=(),
    platforms=(Platform("windows", "amd64", os_version="10.0.20348.1"),),
)
"""Like mcr.microsoft.com/windows/nanoserver."""

KNOWN: Mapping[str, FakeImage] = {
    "alpine": ALPINE,
    "busybox": FakeImage(ImageConfig(cmd=("sh",))),
    "debian": DEBIAN,
    "gcr.io/distroless/static:nonroot": DISTROLESS,
    "example.com/onbuild": ONBUILD,
    "mcr.microsoft.com/windows/nanoserver:ltsc2022": WINDOWS,
}
"""The default images of a :class:`FakeImages`."""

MISSING = ": not found"
"""The end of the message about an image that does not exist."""

ADD_IMAGES = "add the image with images={'NAME': FakeImage()}; several are built in"

AnyImage: TypeAlias = FakeImage | bytes | str
"""An image, or its config in JSON."""


@checked_init
@define
class FakeImages:
    """Images by reference, usable as the ``resolver`` of :func:`llb.Image`.

    ``*`` matches any other reference. A reference without a tag is ``latest``; a digest in
    addition to a tag is reported as the image's digest. ``asked`` lists the resolved
    references, in order.
    """

    images: Mapping[str, AnyImage] = field(factory=lambda: dict(KNOWN))
    asked: list[str] = field(factory=list)

    @classmethod
    @checked
    def of(cls, images: Mapping[str, AnyImage] | FakeImages | None) -> FakeImages:
        """Convert a mapping of images; None selects the default images."""
        if isinstance(images, FakeImages):
            return images
        return cls() if images is None else cls(images)

    @checked
    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: ResolveMode = "default",  # noqa: ARG002 - there is only this source
    ) -> ResolvedImage:
        """Resolve the digest and config of an image. Raises RemoteError as a daemon does."""
        self.asked.append(ref)
        image = self._find(ref)
        if image is None:
            raise RemoteError(f"{ref}{MISSING}", code=_UNKNOWN, hint=ADD_IMAGES)
        if isinstance(image, FakeImage):
            config = image.to_json(image.platforms[0] if platform is None else platform)
        else:
            config = image.encode() if isinstance(image, str) else image
        # References into an OCI layout start with its scheme and do not parse as image references.
        return ResolvedImage(ref.partition("@")[2] or _digest(ref), config)

    @checked
    def has(self, ref: str) -> bool:
        """Check whether an image exists."""
        return self._find(ref) is not None

    def _find(self, ref: str) -> AnyImage | None:
        requested = _full_names(ref)
        for name, image in self.images.items():
            if name != _WILDCARD and not requested.isdisjoint(_full_names(name)):
                return image
        return self.images.get(_WILDCARD)


def _full_names(ref: str) -> set[str]:
    """Expand a reference to its full names, with and without the digest."""
    try:
        reference = Reference.parse(ref).tagged()
    except InvalidValueError:
        return {ref}
    names = {str(reference)}
    if reference.tag is not None:
        names.add(str(evolve(reference, digest=None)))
    return names


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
