"""The fields of two operations compared, under names that do not shift when an entry is added."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from llb.compare.graph import MARKS
from llb.compare.model import FieldChange
from llb.dump.fields import pairs
from llb.dump.labels import group_text, resources_text
from llb.ops.metadata import CUSTOM_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.definition.decode import Vertex
    from llb.ops.metadata import OpMetadata

# Lists whose entries are told apart by one of their fields.
_KEYED = {
    "mounts": "dest",
    "secretenv": "name",
    "extraHosts": "Host",
    "ulimit": "Name",
    "cdiDevices": "name",
}
# Numbers that stand for inputs and outputs; which steps they mean is compared instead.
_NUMBERS = frozenset({"input", "secondaryInput", "output"})


def field_changes(old: Vertex, new: Vertex) -> tuple[FieldChange, ...]:
    """Return how two operations differ in what they do, apart from their inputs."""
    ours, theirs = _flat(old), _flat(new)
    return tuple(
        FieldChange(path, ours.get(path), theirs.get(path))
        for path in _in_order(ours, theirs)
        if ours.get(path) != theirs.get(path)
    )


def numbered_changes(old: Vertex, new: Vertex) -> tuple[FieldChange, ...]:
    """Return how two operations differ field by field, numbers of inputs included.

    Where nothing that is known differs, the encoding does.
    """
    ours, theirs = dict(pairs("op", old.fields)), dict(pairs("op", new.fields))
    changes = tuple(
        FieldChange(path.removeprefix("op."), ours.get(path), theirs.get(path))
        for path in _in_order(ours, theirs)
        if ours.get(path) != theirs.get(path) and not path.startswith("op.inputs")
    )
    return changes or (FieldChange("encoding", old.digest, new.digest),)


def metadata_changes(old: Vertex, new: Vertex, *, caps: bool) -> tuple[FieldChange, ...]:
    """Return how what is said about two operations differs, with capabilities or without."""
    ours, theirs = _metadata(old.metadata, caps=caps), _metadata(new.metadata, caps=caps)
    return tuple(
        FieldChange(path, ours.get(path), theirs.get(path), metadata=True)
        for path in _in_order(ours, theirs)
        if ours.get(path) != theirs.get(path)
    )


def _in_order(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*ours, *theirs]))


def _flat(vertex: Vertex) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if vertex.platform is not None:
        found["platform"] = vertex.platform
    if vertex.worker_filters:
        found["worker filters"] = vertex.worker_filters
    if vertex.kind is not None:
        _flatten(vertex.kind, vertex.op, found)
    return found


def _flatten(path: str, value: Any, found: dict[str, Any]) -> None:
    key = path.rpartition(".")[2]
    if isinstance(value, dict):
        for name in sorted(value):
            if name not in MARKS and not (name in _NUMBERS and isinstance(value[name], int)):
                _flatten(f"{path}.{name}", value[name], found)
    elif path == "exec.meta.env":
        _flatten_env(path, value, found)
    elif isinstance(value, tuple) and any(isinstance(each, dict) for each in value):
        names = _entry_names(value, _KEYED.get(key))
        for name, each in zip(names, value, strict=True):
            _flatten(f"{path}[{name}]", each, found)
    else:
        # Bytes are compared whole: what a listing shows is their beginning alone.
        found[path] = value


def _flatten_env(path: str, value: tuple[str, ...], found: dict[str, Any]) -> None:
    """Add variables by name; where their order alone differs, the whole list is compared."""
    names = [each.partition("=")[0] for each in value]
    for name, each in zip(_numbered(names), value, strict=True):
        found[f"{path}[{name}]"] = each.partition("=")[2]


def _entry_names(entries: tuple[Mapping[str, Any], ...], key: str | None) -> list[str]:
    """Return a name for each entry of a list: the field that tells them apart, or a number."""
    if key is None:
        return [str(place) for place in range(len(entries))]
    return _numbered([str(each.get(key, "")) for each in entries])


def _numbered(names: list[str]) -> list[str]:
    """Return the names, those that are not the first of their kind with a number."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return numbered


def _metadata(metadata: OpMetadata, *, caps: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name" if key == CUSTOM_NAME else f"description[{key}]": value
        for key, value in sorted(metadata.description.items())
    }
    if metadata.ignore_cache:
        found["ignore_cache"] = True
    if metadata.export_cache is not None:
        found["export_cache"] = metadata.export_cache
    if metadata.progress_group is not None:
        found["progress_group"] = group_text(metadata.progress_group)
    if metadata.resources is not None:
        found["resources"] = resources_text(metadata.resources)
    if caps and metadata.caps:
        found["caps"] = tuple(sorted(metadata.caps))
    return found
