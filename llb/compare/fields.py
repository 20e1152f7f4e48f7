"""Compare the fields of two operations, under names that do not shift when an entry is added."""

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

# Lists whose entries are identified by one of their fields.
_KEYED = {
    "mounts": "dest",
    "secretenv": "name",
    "extraHosts": "Host",
    "ulimit": "Name",
    "cdiDevices": "name",
}
# Numbers of inputs and outputs; the steps that they refer to are compared instead.
_NUMBERS = frozenset({"input", "secondaryInput", "output"})


def field_changes(old: Vertex, new: Vertex) -> tuple[FieldChange, ...]:
    """Compare the content of two operations, apart from their inputs."""
    old_fields, new_fields = _flat(old), _flat(new)
    return tuple(
        FieldChange(path, old_fields.get(path), new_fields.get(path))
        for path in _merged_paths(old_fields, new_fields)
        if old_fields.get(path) != new_fields.get(path)
    )


def numbered_changes(old: Vertex, new: Vertex) -> tuple[FieldChange, ...]:
    """Compare two operations field by field, including the numbers of inputs.

    If all known fields are equal, the change is that of the encoding.
    """
    old_fields, new_fields = dict(pairs("op", old.fields)), dict(pairs("op", new.fields))
    changes = tuple(
        FieldChange(path.removeprefix("op."), old_fields.get(path), new_fields.get(path))
        for path in _merged_paths(old_fields, new_fields)
        if old_fields.get(path) != new_fields.get(path) and not path.startswith("op.inputs")
    )
    return changes or (FieldChange("encoding", old.digest, new.digest),)


def metadata_changes(old: Vertex, new: Vertex, *, caps: bool) -> tuple[FieldChange, ...]:
    """Compare the metadata of two operations, with or without capabilities."""
    old_fields, new_fields = _metadata(old.metadata, caps=caps), _metadata(new.metadata, caps=caps)
    return tuple(
        FieldChange(path, old_fields.get(path), new_fields.get(path), metadata=True)
        for path in _merged_paths(old_fields, new_fields)
        if old_fields.get(path) != new_fields.get(path)
    )


def _merged_paths(old_paths: Iterable[str], new_paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*old_paths, *new_paths]))


def _flat(vertex: Vertex) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if vertex.platform is not None:
        fields["platform"] = vertex.platform
    if vertex.worker_filters:
        fields["worker filters"] = vertex.worker_filters
    if vertex.kind is not None:
        _flatten(vertex.kind, vertex.op, fields)
    return fields


def _flatten(path: str, value: Any, fields: dict[str, Any]) -> None:
    key = path.rpartition(".")[2]
    if isinstance(value, dict):
        for name in sorted(value):
            if name not in MARKS and not (name in _NUMBERS and isinstance(value[name], int)):
                _flatten(f"{path}.{name}", value[name], fields)
    elif path == "exec.meta.env":
        _flatten_env(path, value, fields)
    elif isinstance(value, tuple) and any(isinstance(entry, dict) for entry in value):
        names = _entry_names(value, _KEYED.get(key))
        for name, entry in zip(names, value, strict=True):
            _flatten(f"{path}[{name}]", entry, fields)
    else:
        # Bytes are compared in full, although a listing shows only their beginning.
        fields[path] = value


def _flatten_env(path: str, value: tuple[str, ...], fields: dict[str, Any]) -> None:
    """Add variables by name; if only their order differs, the whole list differs."""
    names = [variable.partition("=")[0] for variable in value]
    for name, variable in zip(_number_duplicates(names), value, strict=True):
        fields[f"{path}[{name}]"] = variable.partition("=")[2]


def _entry_names(entries: tuple[Mapping[str, Any], ...], key: str | None) -> list[str]:
    """Name the entries of a list, by the field that identifies them or by number."""
    if key is None:
        return [str(index) for index in range(len(entries))]
    return _number_duplicates([str(entry.get(key, "")) for entry in entries])


def _number_duplicates(names: list[str]) -> list[str]:
    """Number the duplicates among the names."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return numbered


def _metadata(metadata: OpMetadata, *, caps: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name" if key == CUSTOM_NAME else f"description[{key}]": value
        for key, value in sorted(metadata.description.items())
    }
    if metadata.ignore_cache:
        fields["ignore_cache"] = True
    if metadata.export_cache is not None:
        fields["export_cache"] = metadata.export_cache
    if metadata.progress_group is not None:
        fields["progress_group"] = group_text(metadata.progress_group)
    if metadata.resources is not None:
        fields["resources"] = resources_text(metadata.resources)
    if caps and metadata.caps:
        fields["caps"] = tuple(sorted(metadata.caps))
    return fields
