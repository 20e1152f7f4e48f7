"""Sources of a created image: references, digests and descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.client.imagetools.locations import Location
from llb.client.registries.descriptors import Descriptor, parse_json
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.client.imagetools.stores import Stores

_SHA256 = "sha256"


@frozen
class Source:
    """A manifest or index with the place where it is."""

    location: Location
    descriptor: Descriptor


def parse_source(value: str | Descriptor) -> Location | Descriptor:
    """Parse a reference, a digest, or a descriptor as JSON. Raises InvalidValueError."""
    if isinstance(value, Descriptor):
        return value
    text = value.strip()
    try:
        if text.startswith(_SHA256):
            return Descriptor("", text, 0)
        return _parse_descriptor(text) if text.startswith("{") else Location.parse(text)
    except InvalidValueError as error:
        raise InvalidValueError(
            f"invalid source {_shown(text)}: {error.message}",
            hint="a source is a reference, a digest, or a descriptor in JSON",
        ) from error


def locate(
    sources: Sequence[Location | Descriptor], tags: Iterable[Location]
) -> list[tuple[Location, Descriptor | None]]:
    """Find out where sources without a name are: where all others are, and the tags.

    Raises InvalidValueError if these are in several repositories.
    """
    named = [source for source in sources if isinstance(source, Location)]
    names = {location.name: location for location in (*reversed(list(tags)), *reversed(named))}
    located: list[tuple[Location, Descriptor | None]] = []
    for source in sources:
        if isinstance(source, Location):
            located.append((source, None))
            continue
        if len(names) != 1:
            raise InvalidValueError(
                f"cannot tell the repository of {source.digest}: "
                f"{'there are several' if names else 'there is none'}",
                hint="write the source as NAME@DIGEST",
            )
        (location,) = names.values()
        located.append((location.with_digest(source.digest), source))
    return located


def resolve(located: tuple[Location, Descriptor | None], stores: Stores) -> Source:
    """Look up a source, and complete the descriptor of the user.

    Raises InvalidValueError if that has another size.
    """
    location, wanted = located
    descriptor = stores.open(location).resolve(location)
    if wanted is None:
        return Source(location, descriptor)
    if wanted.size and wanted.size != descriptor.size:
        raise InvalidValueError(
            f"invalid descriptor of {location}: its size is {descriptor.size}, not {wanted.size}"
        )
    merged = evolve(
        wanted,
        media_type=wanted.media_type or descriptor.media_type,
        digest=descriptor.digest,
        size=descriptor.size,
    )
    return Source(location, merged)


def _parse_descriptor(text: str) -> Descriptor:
    content = parse_json(text.encode("utf-8", "replace"), "descriptor")
    if content.get("schemaVersion"):
        raise InvalidValueError("it is a manifest or an index, not a descriptor")
    if not content.get("digest"):
        raise InvalidValueError("it has no digest")
    return Descriptor.from_json(content)


def _shown(text: str) -> str:
    return repr(text if len(text) < 100 else f"{text[:100]}…")
