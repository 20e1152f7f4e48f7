"""Look at an image in a registry: ``docker buildx imagetools inspect``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from llb.arguments.checked import checked, checked_methods
from llb.client.imagetools.go_values import (
    descriptor_struct,
    details_struct,
    image_struct,
    index_struct,
    stub_struct,
)
from llb.client.imagetools.loading import LoadedImage, load
from llb.client.imagetools.locations import Location, reading
from llb.client.imagetools.stores import Stores
from llb.client.registries.descriptors import (
    Descriptor,
    descriptors,
    parse_json,
    platform_name,
)
from llb.control_characters import escape
from llb.gocompat.json import marshal_indent
from llb.gocompat.tabwriter import align
from llb.gocompat.template.template import Template
from llb.gocompat.template.values import Struct, TypedMap, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.client.registries.client import RegistryClient

_JSON_FIELDS = {"Name": "name", "Manifest": "manifest", "Image": "image"}
_WHOLE = "Manifest"


@checked
def inspect(name: str, *, client: RegistryClient | None = None) -> InspectedImage:
    """Look up an image in a registry, or with ``oci-layout://PATH[:TAG]`` in an OCI layout.

    What else it has is read when it is asked for, so use the value in a ``with`` block, or close it.
    ``client`` has the registries and their credentials, by default those of Docker's configuration.
    Raises InvalidValueError for the name, RegistryError, TransportError and InputError.
    """
    location = Location.parse(name)
    stores = Stores(client)
    try:
        store = stores.open(location)
        descriptor = store.resolve(location)
        return InspectedImage(name, location, descriptor, store.read(descriptor), stores)
    except BaseException:
        stores.close()
        raise


@checked_methods()
class InspectedImage:
    """An image or an index in a registry.

    ``name`` is as it was written, ``reference`` its full form. ``content`` are the bytes of the
    manifest or index. Methods raise RegistryError, TransportError, and InputError for content that
    is invalid.
    """

    def __init__(
        self,
        name: str,
        location: Location,
        descriptor: Descriptor,
        content: bytes,
        stores: Stores,
    ) -> None:
        self.name = name
        self.reference = str(location)
        self.descriptor = descriptor
        self.content = content
        self._location = location
        self._stores = stores

    def __enter__(self) -> Self:
        """Enter a block that ends with :meth:`close`."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    def __repr__(self) -> str:
        """Format with the name and the digest."""
        return f"InspectedImage({self.reference!r}, digest={self.descriptor.digest!r})"

    def close(self) -> None:
        """Close the connections."""
        self._stores.close()

    @property
    def manifests(self) -> tuple[Descriptor, ...]:
        """The manifests of an index, none for a single manifest."""
        if not self.descriptor.is_index:
            return ()
        with reading(self.reference):
            return descriptors(parse_json(self.content, "index"), "manifests")

    def configs(self) -> Mapping[str, Mapping[str, Any]]:
        """Read the configs of the images, by platform, as JSON values."""
        with reading(self.reference):
            return self._loaded.configs()

    def provenance(self) -> Mapping[str, Any]:
        """Read the SLSA provenance by platform, as JSON values; empty if there is none."""
        with reading(self.reference):
            return self._loaded.provenance()

    def sboms(self) -> Mapping[str, list[Any]]:
        """Read the SPDX documents by platform, as JSON values; empty if there are none."""
        with reading(self.reference):
            return self._loaded.sboms()

    def text(self) -> str:
        """Format the name, the type, the digest, and the manifests of an index."""
        rows = (
            ("Name:", escape(self.reference)),
            ("MediaType:", escape(self.descriptor.media_type)),
            ("Digest:", self.descriptor.digest),
        )
        text = align(rows, padding=1)
        if not self.descriptor.is_index:
            return text
        blocks = "".join(align(block, padding=1) for block in self._manifest_blocks())
        return text + align((("", ""), ("Manifests:", "")), padding=1) + blocks

    def format(self, template: str) -> str:
        """Print a template of Go, as ``--format`` does; ``{{.Manifest}}`` is :meth:`text`.

        It has ``.Name``, ``.Manifest``, ``.Image``, ``.Provenance`` and ``.SBOM``, the last three by
        platform if there are several, and the function ``json``. Raises InvalidValueError for what
        the template may not have.
        """
        parsed = Template.parse(template, {"json": _to_json})
        if parsed.only_field == _WHOLE:
            return self.text()
        return parsed.render(self._details())

    @cached_property
    def _loaded(self) -> LoadedImage:
        return load(self.descriptor, self.content, self._stores.open(self._location))

    def _details(self) -> Struct:
        """Build what a template sees."""
        with reading(self.reference):
            images = {name: image_struct(config) for name, config in self._loaded.configs().items()}
            manifest = self._manifest()
        is_single = len(images) <= 1
        only = next(iter(images.values()), None)
        fields: dict[str, Any] = {
            "Name": self.name,
            "Manifest": manifest,
            "Image": only if is_single else TypedMap(images, None),
            "SBOM": lambda: self._sboms(is_single=is_single),
            "Provenance": lambda: self._provenance(is_single=is_single),
        }
        return details_struct(fields, _JSON_FIELDS)

    def _manifest(self) -> Struct | None:
        if self.descriptor.is_index:
            return index_struct(self.descriptor, parse_json(self.content, "index"))
        return descriptor_struct(self.descriptor) if self.descriptor.is_manifest else None

    def _sboms(self, *, is_single: bool) -> Any:
        structs = {
            name: stub_struct({"SPDX": first, "AdditionalSPDXs": others})
            for name, (first, *others) in self.sboms().items()
        }
        empty = stub_struct({"SPDX": None, "AdditionalSPDXs": []})
        return _by_platform(structs, empty, is_single=is_single)

    def _provenance(self, *, is_single: bool) -> Any:
        structs = {name: stub_struct({"SLSA": value}) for name, value in self.provenance().items()}
        return _by_platform(structs, stub_struct({"SLSA": None}), is_single=is_single)

    def _manifest_blocks(self) -> Iterator[list[tuple[str, str]]]:
        """Yield the rows of the manifests, in blocks whose columns are aligned together."""
        rows: list[tuple[str, str]] = []
        for number, child in enumerate(self.manifests):
            if number:
                rows.append(("", ""))
            rows += self._rows(child)
            if child.platform is not None and child.annotations:
                yield [*rows, ("  Annotations:", "")]
                yield [
                    (f"    {escape(key)}:", escape(value))
                    for key, value in sorted(child.annotations.items())
                ]
                rows = []
        yield rows

    def _rows(self, child: Descriptor) -> Iterator[tuple[str, str]]:
        platform = child.platform
        yield "  Name:", escape(str(self._location.with_digest(child.digest)))
        yield "  MediaType:", escape(child.media_type)
        if platform is None:
            return
        yield "  Platform:", escape(platform_name(platform))
        if platform.os_version:
            yield "  OSVersion:", escape(platform.os_version)
        if platform.os_features:
            yield "  OSFeatures:", escape(", ".join(platform.os_features))
        if child.urls:
            yield "  URLs:", escape(", ".join(child.urls))


def _by_platform(structs: dict[str, Struct], empty: Struct, *, is_single: bool) -> Any:
    """Return the values by platform, or the only value; an empty one stands for none."""
    return next(iter(structs.values()), empty) if is_single else TypedMap(structs, empty)


def _to_json(value: Any) -> str:
    """Encode a value as the template function ``json`` does, empty if that is impossible."""
    try:
        return marshal_indent(to_jsonable(value))
    except ValueError:
        return ""
