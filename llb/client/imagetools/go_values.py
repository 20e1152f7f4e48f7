"""Manifests and configs as the values that buildx gives to templates: Go's structs.

Only the fields that the OCI image specification has are kept, in the order of Go's types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from llb.client.registries.descriptors import Descriptor, string_map
from llb.errors import InvalidValueError
from llb.gocompat.template.values import Struct, Time, TypedMap, to_jsonable

Reader: TypeAlias = Callable[[Any, str], Any]
Schema: TypeAlias = tuple[tuple[str, str, "Reader | None"], ...]

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


def image_struct(config: Mapping[str, Any]) -> Struct:
    """Convert the config of an image. Raises InvalidValueError."""
    return _struct(config, _IMAGE, "config")


def descriptor_struct(descriptor: Descriptor) -> Struct:
    """Convert a descriptor."""
    platform = descriptor.platform
    values = descriptor.to_json()
    fields = {
        "MediaType": descriptor.media_type,
        "Digest": descriptor.digest,
        "Size": descriptor.size,
        "URLs": list(descriptor.urls),
        "Annotations": TypedMap(descriptor.annotations, ""),
        "Platform": None
        if platform is None
        else _struct(values["platform"], _PLATFORM, "platform"),
        "ArtifactType": descriptor.artifact_type or "",
    }
    return Struct(fields, values)


def index_struct(descriptor: Descriptor, index: Mapping[str, Any]) -> Struct:
    """Convert an index, with the digest and size of its descriptor. Raises InvalidValueError."""
    manifests = index.get("manifests")
    children = None if manifests is None else [Descriptor.from_json(one) for one in manifests]
    annotations = dict(sorted(string_map(index, "annotations").items()))
    media_type = _text(index.get("mediaType"), "mediaType")
    version = _number(index.get("schemaVersion"), "schemaVersion")
    fields = {
        "SchemaVersion": version,
        "MediaType": media_type,
        "Digest": descriptor.digest,
        "Size": descriptor.size,
        "Manifests": [descriptor_struct(child) for child in children or ()],
        "Annotations": TypedMap(annotations, ""),
    }
    values = {
        "schemaVersion": version,
        **({"mediaType": media_type} if media_type else {}),
        "digest": descriptor.digest,
        "size": descriptor.size,
        "manifests": None if children is None else [child.to_json() for child in children],
        **({"annotations": annotations} if annotations else {}),
    }
    return Struct(fields, values)


def details_struct(fields: Mapping[str, Any], json_fields: Mapping[str, str]) -> Struct:
    """Build what a template sees: ``fields``, of which some are in JSON if they are not empty."""
    values = {key: to_jsonable(fields[name]) for name, key in json_fields.items()}
    shown = {key: value for key, value in values.items() if value not in (None, "", {})}
    return Struct(fields, shown)


def stub_struct(fields: Mapping[str, Any]) -> Struct:
    """Build an SBOM or a provenance, whose fields have the same names in JSON."""
    return Struct(
        fields, {name: value for name, value in fields.items() if value not in (None, [])}
    )


def _struct(value: object, schema: Schema, what: str) -> Struct:
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"invalid {what}: expected a JSON object")
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, marked_key, read in schema:
        key = marked_key.removesuffix("!")
        if read is None:
            # The fields of an embedded struct.
            embedded = _struct(value, _PLATFORM, what)
            fields |= {name: embedded, **embedded.fields}
            values |= embedded.json
            continue
        fields[name] = read(value.get(key), key)
        encoded = to_jsonable(fields[name])
        is_kept = key != marked_key
        if is_kept or (encoded not in (None, "", [], {}) and encoded is not False):
            values[key] = encoded
    return Struct(fields, values)


def _nested(schema: Schema) -> Reader:
    return lambda value, key: _struct({} if value is None else value, schema, key)


def _many(schema: Schema) -> Reader:
    def read(value: Any, key: str) -> list[Struct]:
        return [_struct(item, schema, key) for item in _list(value, key) or ()]

    return read


def _text(value: Any, key: str) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(f"invalid {key}: expected a string")
    return value or ""


def _number(value: Any, key: str) -> int:
    if value is not None and type(value) is not int:
        raise InvalidValueError(f"invalid {key}: expected a whole number")
    return value or 0


def _flag(value: Any, key: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidValueError(f"invalid {key}: expected true or false")
    return bool(value)


def _list(value: Any, key: str) -> list[Any] | None:
    if value is not None and not isinstance(value, list):
        raise InvalidValueError(f"invalid {key}: expected a list")
    return value


def _texts(value: Any, key: str) -> list[str] | None:
    items = _list(value, key)
    return None if items is None else [_text(item, key) for item in items]


def _labels(value: Any, key: str) -> TypedMap:
    return TypedMap({} if value is None else string_map({key: value}, key), "")


def _names(value: Any, key: str) -> TypedMap:
    """Read an object whose values are empty objects."""
    if value is not None and not isinstance(value, Mapping):
        raise InvalidValueError(f"invalid {key}: expected an object")
    empty = Struct({}, {})
    return TypedMap(dict.fromkeys(value or (), empty), empty)


def _time(value: Any, key: str) -> Time | None:
    """Read a time, which Go writes without zeros at the end of its fraction."""
    if value is None:
        return None
    match = _TIME.match(_text(value, key))
    if match is None:
        raise InvalidValueError(f"invalid {key}: expected a time as in RFC 3339")
    fraction = (match[2] or "")[:9].rstrip("0")
    zone = "Z" if match[3] in ("+00:00", "-00:00") else match[3]
    return Time(f"{match[1]}{f'.{fraction}' if fraction else ''}{zone}")


# The name of a field in Go, its key in JSON, and how it is read. Keys that end in an exclamation
# mark are in JSON even if they are empty.
_PLATFORM: Schema = (
    ("Architecture", "architecture!", _text),
    ("OS", "os!", _text),
    ("OSVersion", "os.version", _text),
    ("OSFeatures", "os.features", _texts),
    ("Variant", "variant", _text),
)
_CONFIG: Schema = (
    ("User", "User", _text),
    ("ExposedPorts", "ExposedPorts", _names),
    ("Env", "Env", _texts),
    ("Entrypoint", "Entrypoint", _texts),
    ("Cmd", "Cmd", _texts),
    ("Volumes", "Volumes", _names),
    ("WorkingDir", "WorkingDir", _text),
    ("Labels", "Labels", _labels),
    ("StopSignal", "StopSignal", _text),
    ("ArgsEscaped", "ArgsEscaped", _flag),
)
_ROOT_FS: Schema = (("Type", "type!", _text), ("DiffIDs", "diff_ids!", _texts))
_HISTORY: Schema = (
    ("Created", "created", _time),
    ("CreatedBy", "created_by", _text),
    ("Author", "author", _text),
    ("Comment", "comment", _text),
    ("EmptyLayer", "empty_layer", _flag),
)
_IMAGE: Schema = (
    ("Created", "created", _time),
    ("Author", "author", _text),
    ("Platform", "", None),
    ("Config", "config!", _nested(_CONFIG)),
    ("RootFS", "rootfs!", _nested(_ROOT_FS)),
    ("History", "history", _many(_HISTORY)),
)
