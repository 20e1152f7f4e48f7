"""Outputs of a build on the client, committed if it succeeds and discarded if it fails."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY
from llb.client.export.oci_layout import name_annotations, tag_annotations
from llb.errors import InputError, TransportError
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.export.content_store import Store
    from llb.client.export.oci_layout import Descriptor

DEFAULT_TAG = "latest"
_CACHE = "cache.manifest"
_NAMES = "image.name"


class Output(Protocol):
    """An output of a build that takes effect on commit."""

    def commit(self, answers: Mapping[str, str]) -> None:
        """Put the output in place, using the exporters' responses; raises OSError, LLBError."""

    def abort(self) -> None:
        """Discard the output without a trace; does nothing after a commit."""


@frozen
class CacheOutput:
    """A cache exported to a layout under a tag.

    ``reset`` deletes blobs that are no longer needed, unless another build writes to the layout.
    """

    store: Store
    tag: str = DEFAULT_TAG
    reset: bool = False

    def commit(self, answers: Mapping[str, str]) -> None:
        """Add the cache to the index, unless it is empty."""
        if _CACHE in answers:
            descriptor = _parse_descriptor(answers[_CACHE], self.store)
            layout = self.store.layout
            with layout.locked():
                if self.store.cache_lock is not None:
                    self.store.cache_lock.share()
                self.store.commit()
                layout.put(descriptor, [tag_annotations(self.tag)])
                if self.reset and self._is_alone():
                    layout.sweep()
        self.store.close()

    def abort(self) -> None:
        """Discard everything uncommitted."""
        self.store.close()

    def _is_alone(self) -> bool:
        return self.store.cache_lock is None or self.store.cache_lock.take_alone()


@frozen
class ImageOutput:
    """An image exported to a layout, under its names or as ``latest``."""

    store: Store

    def commit(self, answers: Mapping[str, str]) -> None:
        """Add the image to the index."""
        try:
            encoded = base64.b64decode(
                answers.get(EXPORTER_IMAGE_DESCRIPTOR_KEY, ""), validate=True
            )
        except ValueError as error:
            raise TransportError("the daemon sent a descriptor that is not base64") from error
        descriptor = _parse_descriptor(encoded, self.store)
        names = [name_annotations(name) for name in answers.get(_NAMES, "").split(",") if name]
        layout = self.store.layout
        with layout.locked():
            self.store.commit()
            layout.put(descriptor, names or [tag_annotations(DEFAULT_TAG)])

    def abort(self) -> None:
        """Discard everything uncommitted."""
        self.store.close()


def _parse_descriptor(encoded: str | bytes, store: Store) -> Descriptor:
    """Parse the daemon's descriptor of a stored blob. Raises TransportError, InputError."""
    try:
        parsed = json.loads(encoded)
        digest = check_digest(parsed["digest"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TransportError(
            f"invalid descriptor from the daemon for {store.layout.path}"
        ) from error
    if store.find(digest) is None:
        raise InputError(
            f"cannot write {store.layout.path}: the daemon reported the result {digest}, "
            "but did not write it there",
            hint="export caches with different options in separate builds",
        )
    descriptor: Descriptor = parsed
    return descriptor
