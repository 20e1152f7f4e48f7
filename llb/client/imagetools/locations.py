"""Where images are: in a repository of a registry, or in an OCI layout on the disk."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.buildkit_names import OCI_SCHEME
from llb.errors import InputError, InvalidValueError
from llb.reference import Reference, check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}\Z")
_TAG = re.compile(r"\w[\w.-]{0,127}\Z", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


@frozen
class Location:
    """An image: the full name of its repository, or the path of a layout, with a tag or digest."""

    name: str
    tag: str | None = None
    digest: str | None = None
    is_layout: bool = False

    @classmethod
    def parse(cls, text: str) -> Location:
        """Parse an image reference or ``oci-layout://PATH[:TAG][@DIGEST]``; the tag is ``latest``.

        Raises InvalidValueError.

        >>> str(Location.parse("alpine")), str(Location.parse("oci-layout://out:1"))
        ('docker.io/library/alpine:latest', 'oci-layout://out:1')
        """
        if text.startswith(OCI_SCHEME):
            return _parse_layout(text)
        reference = Reference.parse(text).tagged()
        return cls(reference.name, reference.tag, reference.digest)

    @property
    def reference(self) -> str:
        """What names the image in its repository or layout: the digest, or else the tag."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: str) -> Location:
        """Name another image of the same repository or layout by its digest."""
        return evolve(self, digest=digest, tag=None if self.is_layout else self.tag)

    def __str__(self) -> str:
        """Format as :meth:`parse` reads it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{OCI_SCHEME if self.is_layout else ''}{self.name}{tag}{digest}"


@contextmanager
def reading(image: object) -> Iterator[None]:
    """Raise InputError with the name of an image for content that cannot be meant."""
    try:
        yield
    except InvalidValueError as error:
        raise InputError(f"cannot use {image}: {error.message}", hint=error.hint) from error


def _parse_layout(text: str) -> Location:
    """Parse the location of a layout, whose path may contain colons and at signs."""
    path = text.removeprefix(OCI_SCHEME)
    tag = digest = None
    head, sign, last = path.rpartition("@")
    if sign and _DIGEST.match(last):
        path, digest = head, check_digest(last)
    head, sign, last = path.rpartition(":")
    if sign and _TAG.match(last) and not (len(head) == 1 and _DRIVE.match(path)):
        path, tag = head, last
    if not path:
        raise InvalidValueError(f"invalid location {text!r}: expected the path of an OCI layout")
    return Location(path, tag or (None if digest else "latest"), digest, is_layout=True)
