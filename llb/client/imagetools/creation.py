"""Create an image from others: ``docker buildx imagetools create``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked
from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY
from llb.client.imagetools.annotations import to_targets
from llb.client.imagetools.combine import combine
from llb.client.imagetools.copy import copy_image
from llb.client.imagetools.locations import Location
from llb.client.imagetools.platforms import keep_platforms
from llb.client.imagetools.progress import Progress
from llb.client.imagetools.sources import locate, parse_source, resolve
from llb.client.imagetools.stores import Stores
from llb.client.registries.descriptors import Descriptor
from llb.errors import Hint, InvalidValueError
from llb.platforms import to_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llb.client.export.image_options import Annotation
    from llb.client.imagetools.combine import Combined
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.client.registries.client import RegistryClient
    from llb.platforms import Platform

_NAMES = "image.name"


@frozen
class CreatedImage:
    """An image that was created: its descriptor, its bytes, and the names that lead to it.

    ``repositories`` are the full names of the repositories that have it, and the paths of OCI
    layouts.
    """

    descriptor: Descriptor
    content: bytes = field(repr=False)
    tags: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    @property
    def metadata(self) -> dict[str, object]:
        """The metadata of the image as JSON values, by BuildKit's keys."""
        return {
            EXPORTER_IMAGE_DESCRIPTOR_KEY: self.descriptor.to_json(),
            _NAMES: ",".join(self.repositories),
        }


@checked
def create(
    sources: str | Descriptor | Iterable[str | Descriptor],
    *,
    tags: str | Iterable[str] = (),
    append: bool = False,
    annotations: Iterable[str | Annotation] = (),
    platforms: Iterable[str | Platform] = (),
    prefer_index: bool = True,
    dry_run: bool = False,
    client: RegistryClient | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_report: Callable[[Report], None] | None = None,
) -> CreatedImage:
    """Combine images to an index, and push it.

    - ``sources``: references, digests in the repository of the tags, or descriptors (also as JSON);
      ``oci-layout://PATH[:TAG]`` is an OCI layout. A single index is copied as it is.
    - ``tags``: the references of the new image; with ``append``, the first is also the first source.
    - ``annotations``: ``index:KEY=VALUE`` or ``manifest-descriptor[PLATFORM]:KEY=VALUE``.
    - ``platforms``: the platforms to keep, by default all.
    - ``prefer_index``: if False, a single manifest is copied as it is, and not put into an index.
    - ``dry_run``: compute the image without pushing anything.
    - ``client``: the registries and their credentials, by default those of Docker's configuration.
    - ``on_event``, ``on_report``: functions that get the progress, as for a build.

    All contents are in place before any tag leads to the image. Raises InvalidValueError,
    RegistryError, TransportError and InputError.
    """
    names = (tags,) if isinstance(tags, str) else tuple(tags)
    targets = tuple(map(Location.parse, names))
    parsed = [parse_source(source) for source in _several(sources)]
    wanted = [to_platform(platform) for platform in platforms]
    marks = [target for annotation in annotations for target in to_targets(annotation)]
    _check(parsed, targets, dry_run=dry_run)
    if append and targets:
        parsed.insert(0, targets[0])
    located = locate(parsed, targets)
    with Stores(client) as stores:
        found = [resolve(source, stores) for source in located]
        combined = combine(found, marks, stores, prefer_index=prefer_index)
        combined = keep_platforms(combined, wanted, stores)
        _check_digests(targets, combined)
        if not dry_run:
            push(combined, targets, stores, Progress(on_event, on_report))
    pushed = () if dry_run else targets
    return CreatedImage(
        combined.descriptor,
        combined.content,
        tuple(map(str, pushed)),
        tuple(sorted({target.name for target in pushed})),
    )


def _several(values: str | Descriptor | Iterable[str | Descriptor]) -> tuple[str | Descriptor, ...]:
    return (values,) if isinstance(values, str | Descriptor) else tuple(values)


def _check(parsed: Sequence[object], targets: Sequence[Location], *, dry_run: bool) -> None:
    if not parsed:
        raise InvalidValueError("there are no sources", hint="name an image, or several to combine")
    if not targets and not dry_run:
        raise InvalidValueError(
            "there is no tag to push to",
            hint=Hint("pass tags=… or dry_run=True", command="pass --tag NAME or --dry-run"),
        )


def _check_digests(targets: Iterable[Location], combined: Combined) -> None:
    """Refuse a tag with the digest of another image."""
    digest = combined.descriptor.digest
    for target in targets:
        if target.digest not in (None, digest):
            raise InvalidValueError(f"cannot push to {target}: the image has the digest {digest}")


def push(
    combined: Combined, targets: Sequence[Location], stores: Stores, progress: Progress
) -> None:
    """Copy the contents to all repositories, then publish the image under its tags."""
    repositories: dict[str, list[Location]] = {}
    for target in targets:
        repositories.setdefault(target.name, []).append(target)
    for name, (first, *_) in repositories.items():
        with progress.step(f"copying to {name}") as log:
            for child in combined.manifests():
                origin = combined.origin(child.digest)
                if origin is not None:
                    log(f"copying {child.digest} from {origin.location} to {name}")
                    copy_image(child, stores.open(origin.location), stores.open(first))
    for name, locations in repositories.items():
        with progress.step(f"pushing {name}") as log:
            for location in locations:
                log(f"pushing {combined.descriptor.digest} to {location}")
                stores.open(location).publish(location, combined.descriptor, combined.content)
