"""Find what changed between two versions of BuildKit by reading their source."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.conformance.bump.modules import Module

# The folders whose string literals are the keys that clients and frontends write.
EXPORTERS_AND_CACHES = ("exporter", "cache/remotecache", "util/compression")
SOURCES = ("solver/pb", "client/llb")
FRONTEND_OPTIONS = ("frontend/dockerui", "frontend/dockerfile/builder", "frontend/attestations")
LANGUAGE = (
    "frontend/dockerfile/command",
    "frontend/dockerfile/instructions",
    "frontend/dockerfile/linter",
    "frontend/dockerfile/parser",
    "frontend/dockerfile/shell",
    "frontend/dockerfile/dockerfile2llb",
)
# The packages whose behaviour this project repeats; a change in one of them needs reading.
REPEATED = (
    *EXPORTERS_AND_CACHES,
    *FRONTEND_OPTIONS,
    *LANGUAGE,
    "client",
    "session",
    "frontend/gateway",
)
REFERENCE = "frontend/dockerfile/docs/reference.md"
CAPABILITIES = ("solver/pb/caps.go", "frontend/gateway/pb/caps.go")
FSUTIL = "github.com/tonistiigi/fsutil"

_KEY = re.compile(r'"([A-Za-z][\w.:-]{1,60})"')
_CAPABILITY = re.compile(r'CapID = "([^"]+)"')
_LINE_COMMENT = re.compile(r"//[^\n]*")


def protos(old: Module, new: Module) -> Iterator[str]:
    """Compare the lines of all .proto files, without comments."""
    for before, after in ((old, new), (old.requirement(FSUTIL), new.requirement(FSUTIL))):
        for name in _union(before.files("**/*.proto"), after.files("**/*.proto")):
            yield from _diff(
                _without_comments(before.read(name)), _without_comments(after.read(name)), name
            )


def capabilities(old: Module, new: Module) -> Iterator[str]:
    """Compare the names of capabilities."""
    before, after = (
        {cap for name in CAPABILITIES for cap in _CAPABILITY.findall(module.read(name))}
        for module in (old, new)
    )
    yield from _changes(before, after)


def keys(old: Module, new: Module, folders: Iterable[str]) -> Iterator[str]:
    """Compare the string literals of Go packages that could be keys, by folder."""
    for folder in folders:
        before, after = (
            {
                key
                for name in module.files(f"{folder}/**/*.go")
                for key in _KEY.findall(_code(module.read(name)))
            }
            for module in (old, new)
        )
        yield from (f"{change}  in {folder}" for change in _changes(before, after))


def reference(old: Module, new: Module) -> Iterator[str]:
    """Compare the reference of the Dockerfile language."""
    yield from _diff(old.read(REFERENCE).splitlines(), new.read(REFERENCE).splitlines(), REFERENCE)


def changed_files(old: Module, new: Module) -> Iterator[str]:
    """Count the changed lines of each file of the packages that this project repeats."""
    for folder in REPEATED:
        for name in _union(old.files(f"{folder}/**/*.go"), new.files(f"{folder}/**/*.go")):
            lines = _diff(old.read(name).splitlines(), new.read(name).splitlines(), name)
            signs = [line[0] for line in lines if line[0] in "+-"]
            if signs:
                yield f"{name}  +{signs.count('+')} -{signs.count('-')}"


def _union(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return sorted({*first, *second})


def _changes(before: set[str], after: set[str]) -> Iterator[str]:
    yield from (f"+ {name}" for name in sorted(after - before))
    yield from (f"- {name}" for name in sorted(before - after))


def _diff(before: list[str], after: list[str], name: str) -> Iterator[str]:
    """Compare lines; the first line is the name of the file, which begins with a space."""
    lines = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    if lines:
        yield f" {name}"
        yield from lines


def _without_comments(proto: str) -> list[str]:
    lines = (_LINE_COMMENT.sub("", line).rstrip() for line in proto.splitlines())
    return [line for line in lines if line.strip()]


def _code(source: str) -> str:
    """Drop the imports and comments of a Go file."""
    _, _, body = source.partition("\n)\n")
    return _LINE_COMMENT.sub("", body or source)
