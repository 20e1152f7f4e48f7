"""The layouts of a build: those it reads, caches in folders, and an image written to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, mutable

from llb.client.caches import check_source, check_target, to_cache
from llb.client.export.content_store import Store, check_layout
from llb.client.export.oci_layout import Layout
from llb.client.export.outputs import DEFAULT_TAG, CacheOutput, ImageOutput, Output
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client.caches import Cache

_EXPORT = "export"


@mutable
class Stores:
    """Stores by the ids under which a daemon asks for them, and what is done with them.

    ``warnings`` say which caches are not read because they are not there, as with the first
    build of a series.
    """

    by_id: dict[str, Store] = field(factory=dict)
    outputs: list[Output] = field(factory=list)
    warnings: list[str] = field(factory=list)

    def add_layouts(self, layouts: Mapping[str, str | Path]) -> None:
        """Add layouts that are read, by their names. Raises InputError."""
        for name, path in layouts.items():
            check_layout(name, Path(path))
            self.by_id[f"oci:{name}"] = Store(Layout(Path(path)))

    def add_image(self, folder: Path) -> None:
        """Add the layout that an image is written to. Raises InputError, InvalidValueError."""
        if _EXPORT in self.by_id:
            raise InvalidValueError(
                "a build writes one OCI layout at most", hint="write the others as archives"
            )
        store = self.by_id[_EXPORT] = Store(_folder(folder), writable=True)
        self.outputs.append(ImageOutput(store))

    def targets(self, caches: Iterable[str | Cache]) -> list[Cache]:
        """Return the caches that are written. Raises InputError, InvalidValueError."""
        found = [check_target(to_cache(each)) for each in caches]
        for cache in found:
            if cache.type == "local":
                store = Store(_folder(Path(cache.attrs["dest"])), writable=True)
                self.by_id[f"local:{cache.attrs['dest']}"] = store
                tag = cache.attrs.get("tag", DEFAULT_TAG)
                self.outputs.append(CacheOutput(store, tag, reset=cache.is_set("reset")))
        return found

    def sources(self, caches: Iterable[str | Cache]) -> list[Cache]:
        """Return the caches that are read and are there. Raises InputError, InvalidValueError."""
        checked = (check_source(to_cache(each)) for each in caches)
        return [each for cache in checked if (each := self._source(cache)) is not None]

    def _source(self, cache: Cache) -> Cache | None:
        if cache.type != "local":
            return cache
        folder, tag = cache.attrs["src"], cache.attrs.get("tag", DEFAULT_TAG)
        layout = Layout(Path(folder))
        named = None if "digest" in cache.attrs else layout.find(tag)
        digest = cache.attrs.get("digest") or (str(named.get("digest")) if named else "")
        if not digest or not layout.blob(digest).is_file():
            what = digest or tag
            self.warnings.append(f"no cache is read from {folder}: there is no {what} in it")
            return None
        self.by_id.setdefault(f"local:{folder}", Store(layout))
        return evolve(cache, attrs={**cache.attrs, "digest": digest})


def _folder(path: Path) -> Layout:
    if path.exists() and not path.is_dir():
        raise InputError(f"cannot write an OCI layout to {path}: it is not a directory")
    return Layout(path)
