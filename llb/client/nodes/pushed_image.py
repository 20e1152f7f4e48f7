"""An image that nodes push by digest, and to whose index the tags lead in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.client.imagetools.creation import push
from llb.client.imagetools.locations import Location
from llb.client.imagetools.stores import Stores
from llb.client.key_values import parse_flag
from llb.client.nodes.index import answers, join_parts
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.export.exporters import Export
    from llb.client.imagetools.progress import Progress
    from llb.client.registries.client import RegistryClient
    from llb.client.results import SolveResult

_BY_DIGEST = "push-by-digest"


@frozen
class PushedImage:
    """An exporter that pushes an image of several nodes."""

    export: Export

    @property
    def insecure_hosts(self) -> tuple[str, ...]:
        """The registries that are reached over plain HTTP."""
        is_insecure = parse_flag(self.export.attrs.get("registry.insecure") or "false", "insecure")
        hosts = {Reference.parse(name).domain: None for name in self._names}
        return tuple(hosts) if is_insecure else ()

    def for_node(self) -> Export:
        """Let a node push its part to the repositories, without a tag."""
        repositories = dict.fromkeys(Reference.parse(name).name for name in self._names)
        attrs = {"name": ",".join(repositories), _BY_DIGEST: "true"}
        return evolve(self.export, attrs={**self.export.attrs, **attrs})

    def join(
        self, results: Mapping[str, SolveResult], client: RegistryClient, progress: Progress
    ) -> dict[str, str]:
        """Push the index of the parts, given by node, and answer as an exporter does.

        No tag leads to the index before all its contents are in place. Raises RegistryError,
        TransportError and InputError.
        """
        attrs = self.export.attrs
        targets = [Location.parse(name) for name in self._names]
        with Stores(client) as stores:
            with progress.step(f"merging manifest list {','.join(map(str, targets))}"):
                image = join_parts(results, targets[0], attrs, stores)
            if parse_flag(attrs.get(_BY_DIGEST) or "false", _BY_DIGEST):
                digest = image.descriptor.digest
                targets = [evolve(target, tag=None, digest=digest) for target in targets]
            push(image, targets, stores, progress)
        return answers(image, map(str, targets))

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.export.attrs["name"].split(","))
