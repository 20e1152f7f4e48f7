"""What a build leaves on the client when it succeeded, and takes away when it did not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY
from llb.client.export.oci_layout import named, tagged
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
    """Something of the build that counts once it is committed."""

    def commit(self, answers: Mapping[str, str]) -> None:
        """Put it in its place, with what the exporters answered; raises OSError, LLBError."""

    def abort(self) -> None:
        """Throw it away; nothing is left behind, and after a commit nothing is done."""


@frozen
class CacheOutput:
    """A cache in a layout, under a tag. With ``reset``, what nothing needs any more goes."""

    store: Store
    tag: str = DEFAULT_TAG
    reset: bool = False

    def commit(self, answers: Mapping[str, str]) -> None:
        """Name the cache in the index, if there was anything to keep."""
        if _CACHE in answers:
            descriptor = _descriptor(answers[_CACHE], self.store)
            layout = self.store.layout
            with layout.locked():
                self.store.place()
                layout.put(descriptor, [tagged(self.tag)])
                if self.reset:
                    layout.sweep()

    def abort(self) -> None:
        """Throw away what has no place."""
        self.store.close()


@frozen
class ImageOutput:
    """An image in a layout, under its names or as ``latest``."""

    store: Store

    def commit(self, answers: Mapping[str, str]) -> None:
        """Name the image in the index."""
        try:
            text = base64.b64decode(answers.get(EXPORTER_IMAGE_DESCRIPTOR_KEY, ""), validate=True)
        except ValueError as error:
            raise TransportError("the daemon sent a descriptor that is not base64") from error
        descriptor = _descriptor(text, self.store)
        names = [named(each) for each in answers.get(_NAMES, "").split(",") if each]
        layout = self.store.layout
        with layout.locked():
            self.store.place()
            layout.put(descriptor, names or [tagged(DEFAULT_TAG)])

    def abort(self) -> None:
        """Throw away what has no place."""
        self.store.close()


def _descriptor(text: str | bytes, store: Store) -> Descriptor:
    """Return a descriptor of the daemon whose blob is there. Raises TransportError, InputError."""
    try:
        found = json.loads(text)
        digest = check_digest(found["digest"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TransportError(f"the daemon sent no descriptor for {store.layout.path}") from error
    if store.find(digest) is None:
        raise InputError(
            f"cannot write {store.layout.path}: the daemon names another result, "
            f"{digest}, than what it wrote there",
            hint="write caches of different forms in builds of their own",
        )
    descriptor: Descriptor = found
    return descriptor
