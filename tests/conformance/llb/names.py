"""Parse docs/go-names.md, the table of names in Go and their spellings in Python."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

import llb
from llb.state.file_actions import CopyOptions
from llb.state.step_options import StepOptions
from tests.conformance.llb.go import RECORDER, recorder

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "docs" / "go-names.md"
NAMES = HERE / "names.json"
PACKAGE = "llb"
PACKAGES = (PACKAGE, "llbbuild", "sourceresolver", "imagemetaresolver")

_CODE = re.compile(r"`([^`]+)`")
_SELECTOR = re.compile(rf"\b({'|'.join(PACKAGES)})\.([A-Z]\w*)")
_METHOD = re.compile(r"\.([A-Z]\w*)\(")
_SPELLING = re.compile(r"([A-Za-z_.]+)(\(((\w+)=)?\))?\Z")

# The names of each kind in each package.
Names: TypeAlias = dict[str, dict[str, list[str]]]


@frozen
class Row:
    """Names in Go, their spellings in Python, and the reason if they are not compared."""

    go: tuple[str, ...]
    python: tuple[str, ...]
    note: str


def rows() -> list[Row]:
    """Parse the rows of all tables."""
    table_rows = []
    for line in TABLE.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        _, go, python, note, _ = line.split("|")
        table_rows.append(Row(tuple(_CODE.findall(go)), tuple(_CODE.findall(python)), note.strip()))
    return table_rows


def recorded() -> list[str]:
    """List the exported names, with their package unless it is llb."""
    names: Names = json.loads(NAMES.read_text())
    return [
        name if package == PACKAGE else f"{package}.{name}"
        for package, kinds in names.items()
        for kind_names in kinds.values()
        for name in kind_names
    ]


def exercised() -> set[str]:
    """Find the names that the recorder's sources use; a method counts for every type."""
    used: set[str] = set()
    methods: set[str] = set()
    for path in RECORDER.glob("*.go"):
        source = path.read_text()
        for package, name in _SELECTOR.findall(source):
            used.add(name if package == PACKAGE else f"{package}.{name}")
        methods.update(_METHOD.findall(source))
    exported = recorded()
    return used | {
        name
        for name in exported
        if name.partition(".")[0] not in PACKAGES[1:] and name.partition(".")[2] in methods
    }


def exists(spelling: str) -> bool:
    """Check whether a spelling of the table is valid: a name, a call, or an option of a call."""
    match = _SPELLING.match(spelling)
    if match is None:
        return False
    name, call, option = match[1], match[2], match[4]
    if name == "step":
        return option is None or option in StepOptions.__optional_keys__
    value: Any = llb
    for part in name.split("."):
        fields = getattr(value, "__attrs_attrs__", ())
        if not hasattr(value, part):
            return part in [field.name for field in fields]
        value = getattr(value, part)
    if call is None or option is None:
        return call is None or callable(value)
    parameters = set(inspect.signature(value).parameters)
    if name in ("copy", "State.copy"):
        parameters |= CopyOptions.__optional_keys__
    return option in parameters


def main() -> None:
    """Record the names that the module has today."""
    NAMES.write_text(json.dumps(json.loads(recorder("names")), indent=1) + "\n")


if __name__ == "__main__":
    main()
