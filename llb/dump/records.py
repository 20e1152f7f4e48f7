"""A definition as JSON, one operation a line, as ``buildctl debug dump-llb`` prints it.

Tools that read the one read the other. The form is Go's: enumerations are numbers, bytes are
base64, a oneof is an object of its own inside of its message, and an action's indexes are
there even where they are 0. It shows nothing of an action that makes a symbolic link, so
that nothing is shown here either; the listing has it.
"""

from __future__ import annotations

import base64
import json as encoding
from typing import TYPE_CHECKING, Any

from llb.gocompat import json as gojson
from llb.ops.nodes import CacheSharing, ContentCache, Network, Security

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata
    from llb.ops.nodes import LinuxResources

# The values of pb.MountType, which the model of operations has as types.
_MOUNT_TYPES = {"BIND": 0, "SECRET": 1, "SSH": 2, "CACHE": 3, "TMPFS": 4}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    "mountType": _MOUNT_TYPES,
    "network": {"UNSET": 0, **{each.name: each.value for each in Network}},
    "security": {each.name: each.value for each in Security},
    "sharing": {each.name: each.value for each in CacheSharing},
    "contentCache": {each.name: each.value for each in ContentCache},
}
# json.dumps() makes an encoder for each call.
_ENCODER = encoding.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_INDEXES = ("input", "secondaryInput", "output")
_NOT_SHOWN = "symlink"


def json(definition: Definition) -> str:
    """Return one JSON object a line: ``Op``, ``Digest`` and ``OpMetadata``.

    The lines are in the order of the definition; the empty tree has none.
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
        return {key: [_action(each) for each in value] for key, value in content.items()}
    return _value(content)


def _exec(value: Any) -> Any:
    """Return the value with enumerations as numbers, which only processes have."""
    if isinstance(value, dict):
        return {
            key: _NUMBERS[key].get(each, each) if key in _NUMBERS else _exec(each)
            for key, each in value.items()
        }
    return [_exec(each) for each in value] if isinstance(value, tuple) else value


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: action.get(key, 0) for key in _INDEXES}
    body = {
        key: _action_body(value)
        for key, value in action.items()
        if key not in (*_INDEXES, _NOT_SHOWN)
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
    found = _set(
        ignore_cache=metadata.ignore_cache,
        description=dict(sorted(metadata.description.items())),
    )
    if metadata.export_cache is not None:
        found["export_cache"] = _set(Value=metadata.export_cache)
    found |= _set(caps=dict.fromkeys(sorted(metadata.caps), True))
    if (group := metadata.progress_group) is not None:
        found["progress_group"] = _set(id=group.id, name=group.name, weak=group.weak)
    if metadata.resources is not None:
        found["linux_resources"] = _resources(metadata.resources)
    return found


def _resources(limits: LinuxResources) -> dict[str, Any]:
    return _set(
        memory=limits.memory,
        memorySwap=limits.memory_swap,
        cpuShares=limits.cpu_shares,
        cpuPeriod=limits.cpu_period,
        cpuQuota=limits.cpu_quota,
        cpusetCpus=limits.cpuset_cpus,
        cpusetMems=limits.cpuset_mems,
    )


def _set(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not at their default."""
    return {key: value for key, value in fields.items() if value}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
