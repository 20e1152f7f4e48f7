"""Images that are nowhere: their configs by reference, as a registry would have them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, evolve, field, frozen

from llb import ImageConfig, Platform, Reference, ResolvedImage
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.errors import InvalidValueError, RemoteError
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN = 2
_OTHER = "*"


def _platforms(given: tuple[Platform | str, ...]) -> tuple[Platform, ...]:
    return tuple(map(to_platform, given))


@frozen
class FakeImage:
    """An image, for one platform or several: what its config says.

    ``config`` is what steps do not use of it, among others entrypoint, cmd, user and ONBUILD;
    ``env`` are pairs, ``layers`` how many layers it has.
    """

    config: ImageConfig = field(default=ImageConfig())
    env: tuple[tuple[str, str], ...] = (("PATH", DEFAULT_PATH_ENV),)
    workdir: str = ""
    platforms: tuple[Platform, ...] = field(
        default=(Platform("linux", "amd64"), Platform("linux", "arm64")), converter=_platforms
    )
    layers: int = 1

    def to_json(self, platform: Platform | str = "linux/amd64") -> bytes:
        """Return the config in JSON for a platform; the first where it is not among them."""
        wanted = to_platform(platform).normalize()
        known = {each.normalize(): each for each in self.platforms}
        config = evolve(
            self.config,
            platform=known.get(wanted, self.platforms[0]),
            env=tuple(f"{key}={value}" for key, value in self.env),
            workdir=self.workdir,
            diff_ids=tuple(_digest(f"layer {number}") for number in range(self.layers)),
            history=({"created_by": "fake"},) * self.layers,
        )
        return config.to_json()


ALPINE = FakeImage(ImageConfig(cmd=("/bin/sh",)), workdir="/")
"""Like alpine: a shell, and nothing else set."""

DEBIAN = FakeImage(ImageConfig(cmd=("bash",)))
"""Like debian."""

DISTROLESS = FakeImage(
    ImageConfig(user="65532"),
    env=(("PATH", DEFAULT_PATH_ENV), ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")),
    workdir="/home/nonroot",
)
"""Like gcr.io/distroless/static:nonroot: a user, a directory, no shell."""

ONBUILD = FakeImage(
    ImageConfig(cmd=("node",), onbuild=("COPY package.json ./", "RUN npm install")),
    workdir="/app",
)
"""An image with instructions for what is built upon it."""

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
"""The images of a :class:`FakeImages` that was given none."""

AnyImage: TypeAlias = FakeImage | bytes | str
"""An image, or its config in JSON."""


@define
class FakeImages:
    """Images by reference, ``*`` for any other; a ``resolver`` of :func:`llb.Image`.

    A reference without a tag is ``latest``; a digest beside a tag is the image's own.
    ``asked`` are the references that were looked up, in order.
    """

    images: Mapping[str, AnyImage] = field(factory=lambda: dict(KNOWN))
    asked: list[str] = field(factory=list)

    @classmethod
    def of(cls, images: Mapping[str, AnyImage] | FakeImages | None) -> FakeImages:
        """Return images as they are given, by default those that are known."""
        if isinstance(images, FakeImages):
            return images
        return cls() if images is None else cls(images)

    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: str = "default",  # noqa: ARG002 - there is one place to look
    ) -> ResolvedImage:
        """Return digest and config of an image. Raises RemoteError as a daemon does."""
        self.asked.append(ref)
        image = self._named(ref)
        if image is None:
            raise RemoteError(f"{ref}: not found", code=_UNKNOWN)
        if isinstance(image, FakeImage):
            config = image.to_json(image.platforms[0] if platform is None else platform)
        else:
            config = image.encode() if isinstance(image, str) else image
        # Those of a layout have its scheme before their names.
        return ResolvedImage(ref.partition("@")[2] or _digest(ref), config)

    def has(self, ref: str) -> bool:
        """Return whether there is such an image."""
        return self._named(ref) is not None

    def _named(self, ref: str) -> AnyImage | None:
        wanted = _names(ref)
        for name, image in self.images.items():
            if name != _OTHER and not wanted.isdisjoint(_names(name)):
                return image
        return self.images.get(_OTHER)


def _names(ref: str) -> set[str]:
    """Return the full names of a reference, with its digest and without."""
    try:
        found = Reference.parse(ref).tagged()
    except InvalidValueError:
        return {ref}
    names = {str(found)}
    if found.tag is not None:
        names.add(str(evolve(found, digest=None)))
    return names


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
