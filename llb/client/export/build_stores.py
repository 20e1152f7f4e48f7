"""The OCI layouts of a build: layout sources, local caches, and an image exported as a layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, mutable

from llb.client.caches import check_source, check_target, is_active, to_cache
from llb.client.export.cache_lock import CacheLock
from llb.client.export.content_store import Store, check_layout
from llb.client.export.oci_layout import Layout
from llb.client.export.outputs import DEFAULT_TAG, CacheOutput, ImageOutput, Output
from llb.errors import InputError, InvalidValueError
from llb.local_files import paths, writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client.caches import Cache

_EXPORT = "export"


@mutable
class Stores:
    """Content stores by the ids a daemon uses for them, and their outputs.

    ``warnings`` report caches that are not imported because they do not exist, as in the first
    build of a series.
    """

    by_id: dict[str, Store] = field(factory=dict)
    outputs: list[Output] = field(factory=list)
    warnings: list[str] = field(factory=list)

    def add_layouts(self, layouts: Mapping[str, str | Path]) -> None:
        """Add layouts to read, by their names. Raises InputError."""
        for name, path in layouts.items():
            check_layout(name, Path(path))
            self.by_id[f"oci:{name}"] = Store(Layout(Path(path)))

    def add_image(self, folder: Path) -> None:
        """Add the layout that an image is exported to. Raises InputError, InvalidValueError."""
        if _EXPORT in self.by_id:
            raise InvalidValueError(
                "a build can write only one OCI layout", hint="write the others as archives"
            )
        store = self.by_id[_EXPORT] = Store(_writable_layout(folder), writable=True)
        self.outputs.append(ImageOutput(store))

    def add_exports(self, caches: Iterable[str | Cache]) -> list[Cache]:
        """Add the caches to export. Raises InputError, InvalidValueError."""
        exports = self._active(check_target(to_cache(cache)) for cache in caches)
        for cache in exports:
            if cache.type == "local":
                layout = _writable_layout(Path(cache.attrs["dest"]))
                store = Store(layout, writable=True, cache_lock=CacheLock(layout.path))
                self.by_id[f"local:{cache.attrs['dest']}"] = store
                tag = cache.attrs.get("tag", DEFAULT_TAG)
                self.outputs.append(CacheOutput(store, tag, reset=cache.is_set("reset")))
        return exports

    def add_imports(self, caches: Iterable[str | Cache]) -> list[Cache]:
        """Add the existing caches to import. Raises InputError, InvalidValueError."""
        checked = self._active(check_source(to_cache(cache)) for cache in caches)
        resolved = map(self._resolve_import, checked)
        return [cache for cache in resolved if cache is not None]

    def _active(self, caches: Iterable[Cache]) -> list[Cache]:
        """Leave out the caches that cannot be used here, with a warning."""
        active = []
        for cache in caches:
            if is_active(cache):
                active.append(cache)
            else:
                self.warnings.append(
                    f"no cache {cache.type}: it needs a workflow of GitHub, or a url and a token"
                )
        return active

    def _resolve_import(self, cache: Cache) -> Cache | None:
        """Prepare a cache; None, and a warning, for a local one that cannot be used."""
        if cache.type != "local":
            return cache
        try:
            return self._resolve_local(cache)
        except InputError as error:
            self.warnings.append(f"no cache imported from {cache.attrs['src']}: {error.message}")
            return None

    def _resolve_local(self, cache: Cache) -> Cache:
        folder, tag = cache.attrs["src"], cache.attrs.get("tag", DEFAULT_TAG)
        layout = Layout(Path(folder))
        descriptor = None if "digest" in cache.attrs else layout.find(tag)
        digest = cache.attrs.get("digest") or (str(descriptor.get("digest")) if descriptor else "")
        if not paths.is_dir(folder):
            raise InputError("the folder does not exist")
        if not digest or not paths.is_file(layout.blob(digest)):
            raise InputError(f"{digest or tag} does not exist")
        self.by_id.setdefault(f"local:{folder}", Store(layout))
        return evolve(cache, attrs={**cache.attrs, "digest": digest})


def _writable_layout(path: Path) -> Layout:
    if paths.exists(path) and not paths.is_dir(path):
        raise InputError(f"cannot write an OCI layout to {path}: it is not a directory")
    writable.check_directory(path)
    return Layout(path)
