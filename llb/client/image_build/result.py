"""The result of an image build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.results import SolveResult
from llb.errors import InvalidValueError
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.export.exporters import Export

_ID = "containerimage.config.digest"
_NAMES = "image.name"


@frozen
class ImageResult(SolveResult):
    """The result of an image build: its identity, names and metadata.

    ``id`` is the digest of the image's config, the id in Docker. ``digest`` is the digest of the
    manifest, or of the index of several platforms, by which registries know the image. ``names``
    are its complete names, such as ``docker.io/library/app:latest``. Absent values are None, and
    ``names`` is then empty: a build that only writes files has no image, and an index has no id.
    """

    id: str | None = None
    names: tuple[str, ...] = ()


def to_image_result(
    solved: SolveResult, exports: Iterable[Export], *, is_docker: bool
) -> ImageResult:
    """Create the result of a build with these exporters.

    An old Docker answers with the digest alone, which is then the id of the image.
    """
    response = solved.exporter_response
    requested = ",".join(export.attrs.get("name", "") for export in exports)
    names = response.get(_NAMES, requested).split(",")
    return ImageResult(
        response,
        solved.ref,
        id=response.get(_ID, solved.digest if is_docker else None),
        names=tuple(dict.fromkeys(map(_complete, filter(None, names)))),
    )


def _complete(name: str) -> str:
    """Complete the name of an image; a daemon may have names that are no references."""
    try:
        return str(Reference.parse(name).tagged())
    except InvalidValueError:
        return name
