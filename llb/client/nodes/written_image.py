"""An OCI archive or layout: nodes write their parts to one layout, from which it is put together."""

from __future__ import annotations

import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from attrs import evolve

from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY
from llb.client.export.exporters import STANDARD_OUTPUT, Export
from llb.client.export.oci_layout import Layout, name_annotations, tag_annotations
from llb.client.export.outputs import DEFAULT_TAG
from llb.client.export.staging import make_staging
from llb.client.imagetools.copy import copy_image
from llb.client.imagetools.locations import Location
from llb.client.imagetools.stores import Stores
from llb.client.nodes.index import answers, join_parts
from llb.client.registries.descriptors import Descriptor
from llb.errors import InputError
from llb.local_files import paths
from llb.local_files.atomic_write import WholeFile
from llb.local_files.writable import check_directory, check_file
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.imagetools.combine import Combined
    from llb.client.imagetools.progress import Progress
    from llb.client.results import SolveResult
    from llb.local_files.staging import StagingFolder

_PARTS, _WHOLE = "parts", "whole"


class WrittenImage:
    """An exporter of the type ``oci`` that writes an image of several nodes.

    Raises InputError for an unusable destination.
    """

    def __init__(self, export: Export) -> None:
        self._export = export
        self._destination = export.destination or ""
        self._is_stream = self._destination == STANDARD_OUTPUT
        if export.is_layout:
            check_directory(Path(self._destination))
        elif not self._is_stream:
            check_file(self._destination, creates_folder=True)
        folder = tempfile.gettempdir() if self._is_stream else self._destination
        self._staging: StagingFolder | None = make_staging(Path(folder))
        self._folder = self._staging.path

    def for_node(self) -> Export:
        """Let a node write its part to the layout of all parts."""
        attrs = {**self._export.attrs, "tar": "false"}
        return Export(self._export.type, attrs, str(self._folder / _PARTS))

    def join(self, results: Mapping[str, SolveResult], progress: Progress) -> dict[str, str]:
        """Write the index of the parts, given by node, and answer as an exporter does.

        Raises InputError and TransportError.
        """
        parts = Location(str(self._folder / _PARTS), is_layout=True)
        is_layout = self._export.is_layout
        whole = Path(self._destination) if is_layout else self._folder / _WHOLE
        with progress.step(f"merging {self._destination}"), Stores() as stores:
            image = join_parts(results, parts, self._export.attrs, stores)
            target = stores.open(Location(str(whole), is_layout=True))
            for child in image.manifests():
                copy_image(child, stores.open(parts), target)
            target.put_manifest(image.descriptor, image.content)
            self._name(Layout(whole), image, next(iter(results.values())))
            if not is_layout:
                self._write_archive(whole)
        return answers(image, self._names)

    def abort(self) -> None:
        """Remove the parts."""
        if self._staging is not None:
            with suppress(OSError):
                self._staging.remove()
                self._staging = None

    @property
    def _names(self) -> tuple[str, ...]:
        names = filter(None, self._export.attrs.get("name", "").split(","))
        return tuple(str(Reference.parse(name).tagged()) for name in names)

    def _name(self, layout: Layout, image: Combined, part: SolveResult) -> None:
        """Add the image to the index of a layout as BuildKit does, with the annotations of a part."""
        unnamed = tag_annotations(DEFAULT_TAG) if self._export.is_layout else {}
        names = [name_annotations(name) for name in self._names] or [unnamed]
        descriptor = evolve(image.descriptor, annotations=_descriptor(part).annotations)
        with layout.locked():
            layout.put(descriptor.to_json(), names)

    def _write_archive(self, folder: Path) -> None:
        file = WholeFile(Path(self._destination))
        try:
            if self._is_stream:
                _archive(folder, sys.stdout.buffer)
                return
            Path(self._destination).parent.mkdir(parents=True, exist_ok=True)
            with file.open() as opened:
                _archive(folder, opened)
            file.commit()
        except OSError as error:
            raise InputError(f"cannot write {self._destination}: {error.strerror}") from error
        finally:
            if not self._is_stream:
                file.abort()


def _descriptor(part: SolveResult) -> Descriptor:
    return Descriptor.from_json(part.metadata.get(EXPORTER_IMAGE_DESCRIPTOR_KEY))


def _archive(folder: Path, stream: BinaryIO) -> None:
    """Write a layout as BuildKit does: in the order of names, without owners and times."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            member = tarfile.TarInfo(str(path.relative_to(folder).as_posix()))
            if paths.is_dir(path):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            member.size = path.stat().st_size
            member.mode = 0o644 if path.name == "index.json" else 0o444
            with path.open("rb") as file:
                archive.addfile(member, file)
    stream.flush()
