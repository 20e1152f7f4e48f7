"""The daemons of a client, and the choice of those that a build runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.client.builds.prepared_build import PreparedBuild
from llb.client.nodes.node import Node
from llb.platforms import to_platform

with lazy_imports(__name__):
    from llb.client.nodes import build as nodes_build  # 4 ms
    from llb.client.nodes import placement  # 6 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llb.client.builds.subject import Subject
    from llb.client.connect.routes import NodeRoute
    from llb.client.nodes.build import NodesBuild
    from llb.client.options import BuildOptions
    from llb.client.progress.events import Event

_PLATFORM = "platform"


class Nodes:
    """The daemons of a client; the first is connected. Raises ConnectError."""

    def __init__(self, routes: Sequence[NodeRoute]) -> None:
        self._nodes = [Node(route, is_named=len(routes) > 1) for route in routes]

    @property
    def first(self) -> Node:
        """The daemon for everything that is not shared."""
        return self._nodes[0]

    def prepare(
        self,
        subject: Subject,
        options: BuildOptions,
        on_event: Callable[[Event], None] | None = None,
    ) -> PreparedBuild | NodesBuild:
        """Prepare a build on the nodes of its platforms.

        Raises InvalidValueError and InputError, and ConnectError for a node that does not answer.
        """
        attribute = subject.frontend_attrs.get(_PLATFORM, "")
        places = self._places(attribute if subject.platform is None else str(subject.platform))
        if len(places) > 1:
            return nodes_build.NodesBuild(places, subject, options, on_event)
        (node,) = places
        return PreparedBuild(node.control, node.capabilities, subject, options, on_event)

    def close(self) -> None:
        """Close all connections."""
        for node in self._nodes:
            node.close()

    def split(self, platforms: str) -> dict[str, str]:
        """Split a list of platforms by the names of the nodes that build them.

        Raises the errors of :meth:`prepare`.
        """
        places = self._places(platforms)
        return {node.name: ",".join(names) for node, names in places.items()}

    def _places(self, platforms: str) -> dict[Node, list[str]]:
        """Choose the nodes for a list of platforms; without any it is the first."""
        # Only its frontend need understand the list if there is no choice.
        if len(self._nodes) == 1:
            return {self.first: [platforms]}
        names = filter(None, map(str.strip, platforms.split(",")))
        parsed = {name: to_platform(name) for name in names}
        return placement.place(parsed, self._nodes) if parsed else {self.first: []}
