"""The generated modules match BuildKit's wire format, field by field."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import llb._pb

GOLDEN = Path(__file__).parents[1] / "golden" / "wire.txt"


def test_every_field_value_and_method_matches_the_golden_file() -> None:
    rows = [
        row
        for module in pkgutil.iter_modules(llb._pb.__path__, "llb._pb.")
        for row in file_rows(importlib.import_module(module.name).DESCRIPTOR)
    ]
    assert "\n".join(sorted(rows)) + "\n" == GOLDEN.read_text()


def file_rows(file: Any) -> list[str]:
    rows = [row for message in file.message_types_by_name.values() for row in message_rows(message)]
    rows += [row for enum in file.enum_types_by_name.values() for row in enum_rows(enum)]
    return rows + [
        row for service in file.services_by_name.values() for row in service_rows(service)
    ]


def message_rows(message: Any) -> list[str]:
    rows = [f"{message.full_name} {f.number} {f.name} {type_of(f)}" for f in message.fields]
    return rows + [row for enum in message.enum_types for row in enum_rows(enum)]


def enum_rows(enum: Any) -> list[str]:
    return [f"{enum.full_name} {value.number} {value.name}" for value in enum.values]


def service_rows(service: Any) -> list[str]:
    return [
        f"{service.full_name}/{method.name}"
        f"({'stream ' * method.client_streaming}{method.input_type.full_name})"
        f" -> {'stream ' * method.server_streaming}{method.output_type.full_name}"
        for method in service.methods
    ]


def type_of(field: Any) -> str:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        key, value = message.fields
        return f"map<{type_of(key)}, {type_of(value)}>"
    repeated = "repeated " if is_repeated(field) else ""
    oneof = f" oneof {field.containing_oneof.name}" if field.containing_oneof else ""
    return repeated + type_name(field) + oneof


def is_repeated(field: Any) -> bool:
    # protobuf 6 renamed the attribute.
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == 3)


def type_name(field: Any) -> str:
    kind = field.message_type or field.enum_type
    if kind is not None:
        return str(kind.full_name)
    scalars = {
        3: "int64",
        4: "uint64",
        5: "int32",
        8: "bool",
        9: "string",
        12: "bytes",
        13: "uint32",
    }
    return scalars[field.type]
