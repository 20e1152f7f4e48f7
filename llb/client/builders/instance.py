"""A builder as it is stored: its name, its driver and its nodes, in the JSON that buildx writes."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve, field, frozen

from llb.arguments.checked import checked_init
from llb.errors import InputError, InvalidValueError, did_you_mean
from llb.gocompat import json as go_json
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names are also those of files and containers (buildx, store/util.go).
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9._-]*\Z")
_FIELDS = ("Name", "Driver", "Nodes", "Dynamic")
_NODE_FIELDS = ("Name", "Endpoint", "Platforms", "DriverOpts", "Flags", "Files")

NodeStatus: TypeAlias = Literal["running", "stopped", "inactive"]
"""The status of a node; an inactive one does not exist yet, or does not answer."""


@checked_init
@frozen
class BuilderNode:
    """A daemon of a builder.

    ``endpoint`` is the address of a BuildKit, or a Docker context or host, as its driver demands.
    ``platforms`` are those that the user assigns to the node, which come before those that it
    reports. ``buildkitd_flags`` and ``files``, by names below ``/etc/buildkit``, configure a daemon
    that the driver starts.
    """

    name: str
    endpoint: str
    platforms: tuple[Platform, ...] = ()
    driver_opts: Mapping[str, str] = field(factory=dict)
    buildkitd_flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(factory=dict, repr=False)


@checked_init
@frozen
class BuilderInstance:
    """A builder: the name of its driver, and its nodes.

    ``unknown_fields`` are those of a newer buildx in the file; they would be lost by a change.
    """

    name: str
    driver: str
    nodes: tuple[BuilderNode, ...] = ()
    dynamic: bool = False
    unknown_fields: tuple[str, ...] = ()

    def node(self, name: str) -> BuilderNode | None:
        """Find a node by its name."""
        return next((node for node in self.nodes if node.name == name), None)

    def with_node(self, node: BuilderNode) -> BuilderInstance:
        """Add a node, or replace the one of its name.

        Platforms that are assigned to the node are taken from the others. Raises InvalidValueError
        for the endpoint of another node.
        """
        others = [other for other in self.nodes if other.name != node.name]
        for other in others:
            if other.endpoint == node.endpoint:
                raise InvalidValueError(
                    f"the node {other.name!r} of the builder {self.name!r} has the endpoint "
                    f"{node.endpoint} already"
                )
        nodes = [
            node
            if other.name == node.name
            else evolve(
                other, platforms=tuple(p for p in other.platforms if p not in node.platforms)
            )
            for other in self.nodes
        ]
        return evolve(self, nodes=(*nodes, *(() if node.name in self._names else (node,))))

    def without_node(self, name: str) -> BuilderInstance:
        """Remove a node. Raises InvalidValueError if it is missing, or the last one."""
        if self.node(name) is None:
            raise InvalidValueError(
                f"the builder {self.name!r} has no node {name!r}",
                hint=did_you_mean(name, self._names),
            )
        if len(self.nodes) == 1:
            raise InvalidValueError(
                f"{name!r} is the last node of the builder {self.name!r}",
                hint=f"remove the builder with `llb builder rm {self.name}`",
            )
        return evolve(self, nodes=tuple(node for node in self.nodes if node.name != name))

    def next_node_name(self) -> str:
        """Choose a name for another node: the name of the builder with the first free number."""
        number = 0
        while f"{self.name}{number}" in self._names:
            number += 1
        return f"{self.name}{number}"

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)


def normal_name(name: str) -> str:
    """Check the name of a builder or of a node, and return it in lower case.

    Raises InvalidValueError.
    """
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid name {name!r}: expected a letter, then letters, digits and . _ -"
        )
    return name.lower()


def to_json(instance: BuilderInstance) -> bytes:
    """Encode a builder as buildx does."""
    nodes = [_encode_node(node) for node in instance.nodes]
    values = (instance.name, instance.driver, nodes or None, instance.dynamic)
    return go_json.dumps(dict(zip(_FIELDS, values, strict=True))).encode()


def from_json(data: bytes, path: str) -> BuilderInstance:
    """Decode a builder from the content of the file ``path``. Raises InputError."""
    try:
        content = json.loads(data)
        nodes = [_decode_node(node) for node in content.get("Nodes") or ()]
        return BuilderInstance(
            str(content["Name"]),
            str(content.get("Driver") or ""),
            tuple(nodes),
            bool(content.get("Dynamic")),
            _unknown_fields(content),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not a builder of buildx",
            hint="remove the file, and create the builder again",
        ) from error


def _encode_node(node: BuilderNode) -> dict[str, Any]:
    files = {name: base64.b64encode(data).decode() for name, data in sorted(node.files.items())}
    values = (
        node.name,
        node.endpoint,
        [_encode_platform(platform) for platform in node.platforms] or None,
        dict(sorted(node.driver_opts.items())) or None,
        list(node.buildkitd_flags) or None,
        files or None,
    )
    return dict(zip(_NODE_FIELDS, values, strict=True))


def _decode_node(content: Mapping[str, Any]) -> BuilderNode:
    return BuilderNode(
        content["Name"],
        content.get("Endpoint") or "",
        tuple(map(_decode_platform, content.get("Platforms") or ())),
        content.get("DriverOpts") or {},
        tuple(content.get("Flags") or ()),
        {name: base64.b64decode(data) for name, data in (content.get("Files") or {}).items()},
    )


def _encode_platform(platform: Platform) -> dict[str, Any]:
    """Encode a platform with the names and the order of the OCI image specification."""
    fields = {
        "architecture": platform.architecture,
        "os": platform.os,
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    return {name: value for name, value in fields.items() if value}


def _decode_platform(content: Mapping[str, Any]) -> Platform:
    return Platform(
        content["os"],
        content["architecture"],
        content.get("variant") or None,
        content.get("os.version") or None,
        tuple(content.get("os.features") or ()),
    )


def _unknown_fields(content: Mapping[str, Any]) -> tuple[str, ...]:
    unknown = [name for name in content if name not in _FIELDS]
    for node in content.get("Nodes") or ():
        unknown += [f"Nodes.{name}" for name in node if name not in _NODE_FIELDS]
    return tuple(dict.fromkeys(unknown))
