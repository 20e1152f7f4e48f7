"""The table of docs/go-names.md, and what it speaks of: names in Go and spellings in Python."""

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

# For each package the names of each kind.
Names: TypeAlias = dict[str, dict[str, list[str]]]


@frozen
class Row:
    """Names in Go, their spellings in Python, and why there is no comparison."""

    go: tuple[str, ...]
    python: tuple[str, ...]
    note: str


def rows() -> list[Row]:
    """Return the rows of all the tables."""
    found = []
    for line in TABLE.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        _, go, python, note, _ = line.split("|")
        found.append(Row(tuple(_CODE.findall(go)), tuple(_CODE.findall(python)), note.strip()))
    return found


def recorded() -> list[str]:
    """Return the exported names, those of other packages than llb with their package."""
    names: Names = json.loads(NAMES.read_text())
    return [
        name if package == PACKAGE else f"{package}.{name}"
        for package, kinds in names.items()
        for found in kinds.values()
        for name in found
    ]


def exercised() -> set[str]:
    """Return the names that the recorder's sources use; a method counts for every type."""
    used: set[str] = set()
    methods: set[str] = set()
    for path in RECORDER.glob("*.go"):
        text = path.read_text()
        for package, name in _SELECTOR.findall(text):
            used.add(name if package == PACKAGE else f"{package}.{name}")
        methods.update(_METHOD.findall(text))
    known = recorded()
    return used | {
        name
        for name in known
        if name.partition(".")[0] not in PACKAGES[1:] and name.partition(".")[2] in methods
    }


def exists(spelling: str) -> bool:
    """Return whether a spelling of the table is one: a name, a call, or a call's option."""
    match = _SPELLING.match(spelling)
    if match is None:
        return False
    name, call, option = match[1], match[2], match[4]
    if name == "step":
        return option is None or option in StepOptions.__optional_keys__
    found: Any = llb
    for part in name.split("."):
        fields = getattr(found, "__attrs_attrs__", ())
        if not hasattr(found, part):
            return part in [field.name for field in fields]
        found = getattr(found, part)
    if call is None or option is None:
        return call is None or callable(found)
    known = set(inspect.signature(found).parameters)
    if name in ("copy", "State.copy"):
        known |= CopyOptions.__optional_keys__
    return option in known


def main() -> None:
    """Write down the names that the module has today."""
    NAMES.write_text(json.dumps(json.loads(recorder("names")), indent=1) + "\n")


if __name__ == "__main__":
    main()
