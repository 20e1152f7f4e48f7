"""Write a definition as JSON Lines, one operation per line, like ``buildctl debug dump-llb``.

Tools that read one output can read the other. The format is Go's: enumerations are numbers, bytes
are base64, a oneof is a nested object, and the indexes of an action are present even if they are 0.
buildctl omits the content of an action that creates a symbolic link, so it is omitted here too;
the listing has it.
"""

from __future__ import annotations

import base64
import json as encoding
from typing import TYPE_CHECKING, Any

from llb.arguments.checked import checked
from llb.gocompat import json as gojson
from llb.ops.nodes import CacheSharing, ContentCache, Network, Security

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata
    from llb.ops.nodes import LinuxResources

# The values of pb.MountType, which the operation model represents as classes.
_MOUNT_TYPES = {"BIND": 0, "SECRET": 1, "SSH": 2, "CACHE": 3, "TMPFS": 4}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "mountType": _MOUNT_TYPES,
    "network": {"UNSET": 0, **{member.name: member.value for member in Network}},
    "security": {member.name: member.value for member in Security},
    "sharing": {member.name: member.value for member in CacheSharing},
    "contentCache": {member.name: member.value for member in ContentCache},
}
# json.dumps() would create an encoder for each call.
_ENCODER = encoding.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_INDEXES = ("input", "secondaryInput", "output")
_OMITTED_ACTION = "symlink"


@checked
def json(definition: Definition) -> str:
    """Encode each operation as one JSON object per line: ``Op``, ``Digest`` and ``OpMetadata``.

    The lines are in the order of the definition; the empty tree has no lines.
    """
    return "".join(_line(vertex) for vertex in definition.vertices())


def _line(vertex: Vertex) -> str:
    record = {
        "Op": _op(vertex),
        "Digest": vertex.digest,
        "OpMetadata": _metadata(vertex.metadata),
    }
    return gojson.escape(_ENCODER.encode(record)) + "\n"


def _op(vertex: Vertex) -> dict[str, Any]:
    fields = vertex.fields
    op: dict[str, Any] = {}
    if vertex.inputs:
        op["inputs"] = _value(fields["inputs"])
    op["Op"] = {} if vertex.kind is None else {vertex.kind: _content(vertex.kind, vertex.op)}
    for name in ("platform", "constraints"):
        if name in fields:
            op[name] = _value(fields[name])
    return op


def _content(kind: str, content: Mapping[str, Any]) -> Any:
    if kind == "exec":
        return _exec(content)
    if kind == "file":
        return {key: [_action(action) for action in value] for key, value in content.items()}
    return _value(content)


def _exec(value: Any) -> Any:
    """Replace enumeration names by numbers, which only processes need."""
    if isinstance(value, dict):
        return {
            key: _NUMBERS[key].get(field_value, field_value)
            if key in _NUMBERS
            else _exec(field_value)
            for key, field_value in value.items()
        }
    return [_exec(item) for item in value] if isinstance(value, tuple) else value


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: action.get(key, 0) for key in _INDEXES}
    body = {
        key: _action_body(value)
        for key, value in action.items()
        if key not in (*_INDEXES, _OMITTED_ACTION)
    }
    return {**numbers, "Action": body}


def _action_body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {side: {"User": _user(user)} for side, user in value.items()}
        if key == "owner"
        else _value(value)
        for key, value in body.items()
    }


def _user(user: Mapping[str, Any]) -> dict[str, Any]:
    if user.get("byID"):
        return {"byId": user["byID"]}
    return {"byName": user["byName"]} if "byName" in user else {}


def _metadata(metadata: OpMetadata) -> dict[str, Any]:
    fields = _without_defaults(
        ignore_cache=metadata.ignore_cache,
        description=dict(sorted(metadata.description.items())),
    )
    if metadata.export_cache is not None:
        fields["export_cache"] = _without_defaults(Value=metadata.export_cache)
    fields |= _without_defaults(caps=dict.fromkeys(sorted(metadata.caps), True))
    if (group := metadata.progress_group) is not None:
        fields["progress_group"] = _without_defaults(id=group.id, name=group.name, weak=group.weak)
    if metadata.resources is not None:
        fields["linux_resources"] = _resources(metadata.resources)
    return fields


def _resources(limits: LinuxResources) -> dict[str, Any]:
    return _without_defaults(
        memory=limits.memory,
        memorySwap=limits.memory_swap,
        cpuShares=limits.cpu_shares,
        cpuPeriod=limits.cpu_period,
        cpuQuota=limits.cpu_quota,
        cpusetCpus=limits.cpuset_cpus,
        cpusetMems=limits.cpuset_mems,
    )


def _without_defaults(**fields: Any) -> dict[str, Any]:
    """Keep the fields that differ from their default."""
    return {key: value for key, value in fields.items() if value}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(field_value) for key, field_value in value.items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
