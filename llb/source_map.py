"""Source maps: the source file and lines that created a step.

The daemon prints these lines when the step fails (ops.proto, ``Source``).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from llb import ops_proto as pb
from llb._lazy import lazy_imports
from llb.arguments.checked import checked_init
from llb.errors import InputError
from llb.local_files import paths
from llb.protobuf import number_of, read_fields

with lazy_imports(__name__):
    import pathlib  # 4 ms

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = __file__.removesuffix("source_map.py")
# The standard library, and the commands of installed packages.
_NOT_OWN = (os.__file__.removesuffix("os.py"), f"{sys.prefix}/bin/")
_MAX_CALLERS = 16
_REMEMBERED = 64
_CLASSIFIED = 4096
_OPERATION = number_of(pb.Definition.def_)
_HIDDEN, _INSTALLED, _OWN = "hidden", "installed", "own"


@lru_cache(_REMEMBERED)
def _operations(definition: bytes | None) -> tuple[bytes, ...] | None:
    """Split a serialized definition into encoded ops; invalid data counts as a single op."""
    if definition is None:
        return None
    try:
        fields = list(read_fields(definition))
    except ValueError:
        return (definition,)
    return tuple(content for number, content in fields if number == _OPERATION)


@checked_init
@frozen
class SourceFile:
    """A source file that steps come from, under its display name.

    ``language`` is a name from GitHub's linguist list. ``definition`` is the serialized
    ``pb.Definition`` that produces the file, if any; equality compares its operations and ignores
    their metadata.
    """

    filename: str
    data: bytes = field(repr=False)
    language: str = ""
    definition: bytes | None = field(default=None, repr=False, eq=_operations)


@checked_init
@frozen
class Range:
    """A range of a source file: 1-based lines, and 0-based characters in them, as in LSP."""

    line: int
    end_line: int
    character: int = 0
    end_character: int = 0


@checked_init
@frozen
class Location:
    """The lines of a source file that created a step."""

    file: SourceFile
    ranges: tuple[Range, ...]


CallSite: TypeAlias = tuple[tuple[str, int], ...]
"""A call and its callers, as lines of Python files; paths are those of the interpreter."""


def caller() -> CallSite | None:
    """Find the innermost stack frame outside this package, and its callers, nearest first.

    That is the line a reader would name: the call into the library, whatever helpers the library
    went through. The callers reach up to the running module; frames of installed packages are left
    out. Returns None if every frame is inside this package.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _kind(frame.f_code.co_filename) is _HIDDEN:
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    site = [(code.co_filename, frame.f_lineno)]
    while code.co_name != "<module>" and len(site) < _MAX_CALLERS:
        frame = frame.f_back
        if frame is None:
            break
        code = frame.f_code
        if _kind(code.co_filename) is _OWN:
            site.append((code.co_filename, frame.f_lineno))
    return tuple(site)


@lru_cache(_CLASSIFIED)
def _kind(path: str) -> str:
    """Classify a file as part of this package, of an installed one, or of the user's own code."""
    # Generated code (attrs methods, python -c) has no file to show.
    if path.startswith((_PACKAGE, "<")):
        return _HIDDEN
    is_installed = path.startswith(_NOT_OWN) or is_package_path(path)
    return _INSTALLED if is_installed else _OWN


def is_package_path(path: str) -> bool:
    """Check whether a file belongs to an installed package; Debian has a directory of its own."""
    return "/site-packages/" in path or "/dist-packages/" in path


def python_locations(site: CallSite) -> tuple[Location, ...]:
    """Convert a call site to locations, nearest first; unreadable files are left out."""
    lines = ((python_source(path), line) for path, line in site)
    return tuple(Location(file, _ranges(line)) for file, line in lines if file is not None)


@lru_cache(_REMEMBERED)
def _ranges(line: int) -> tuple[Range]:
    return (Range(line, line),)


_registered: dict[str, SourceFile] = {}


def know(file: SourceFile, path: str) -> None:
    """Register source code that is not on disk under the path it was compiled with."""
    _registered[path] = file


def forget(path: str) -> None:
    """Undo :func:`know`."""
    _registered.pop(path, None)


def display_name(path: str) -> str:
    """Get the name under which the code at ``path`` is shown, if it was registered."""
    file = _registered.get(path)
    return path if file is None else file.filename


def python_source(path: str) -> SourceFile | None:
    """Load the Python file at ``path`` from :func:`know` or from disk; None if it is unreadable."""
    return _registered.get(path) or _read_file(path)


@lru_cache(maxsize=256)
def _read_file(path: str) -> SourceFile | None:
    """Read a file under its display name.

    The name is relative to the working directory for a file below it, otherwise just the last
    component: a definition must not reveal where on a disk it was created.
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError:
        return None
    resolved = paths.resolve(path)
    with suppress(InputError, ValueError):
        name = resolved.relative_to(paths.working_directory()).as_posix()
        return SourceFile(filename=name, data=data, language="Python")
    return SourceFile(filename=resolved.name, data=data, language="Python")
