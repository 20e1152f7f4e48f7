"""Source maps: which lines of which text made a step.

The daemon prints these lines when the step fails (ops.proto, ``Source``).
"""

from __future__ import annotations

import os
import sys
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from llb import ops_proto as pb
from llb.protobuf import number_of, read_fields

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = __file__.removesuffix("source_map.py")
# The standard library, and what installed packages have for commands.
_NOT_OWN = (os.__file__.removesuffix("os.py"), f"{sys.prefix}/bin/")
_MAX_CALLERS = 16
_REMEMBERED = 64
_OPERATION = number_of(pb.Definition.def_)
_HIDDEN, _INSTALLED, _OWN = "hidden", "installed", "own"


@lru_cache(_REMEMBERED)
def _operations(definition: bytes | None) -> tuple[bytes, ...] | None:
    """Return the encoded ops of a serialized definition, or the data itself if it is not one."""
    if definition is None:
        return None
    try:
        fields = list(read_fields(definition))
    except ValueError:
        return (definition,)
    return tuple(content for number, content in fields if number == _OPERATION)


@frozen
class SourceFile:
    """A text that steps come from, under the name that is shown to people.

    ``language`` is a name of GitHub's linguist list, ``definition`` the
    serialized ``pb.Definition`` that yields the text, where there is one. Two texts are
    the same if the operations of their definitions are, whatever is said of those.
    """

    filename: str
    data: bytes = field(repr=False)
    language: str = ""
    definition: bytes | None = field(default=None, repr=False, eq=_operations)


@frozen
class Range:
    """Lines of a text, 1-based, and characters in them, 0-based as LSP counts them."""

    line: int
    end_line: int
    character: int = 0
    end_character: int = 0


@frozen
class Location:
    """Where in a source file a step was written."""

    file: SourceFile
    ranges: tuple[Range, ...]


CallSite: TypeAlias = tuple[tuple[str, int], ...]
"""Lines of Python files, by path as the interpreter knows it: a call and those that led to it."""


def caller() -> CallSite | None:
    """Return the nearest line on the stack that is not in this package, and its callers, or None.

    The rule that finds the line is the one a reader would use: the call into
    the library, whatever helpers the library went through. From there on callers are
    kept up to the module that runs, if they are a person's own and not of an installed
    package, nearest first.
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


@cache
def _kind(path: str) -> str:
    """Return whose code is in a file."""
    # Generated code (attrs methods, python -c) has no file to show.
    if path.startswith((_PACKAGE, "<")):
        return _HIDDEN
    is_installed = path.startswith(_NOT_OWN) or "/site-packages/" in path
    return _INSTALLED if is_installed else _OWN


def python_locations(site: CallSite) -> tuple[Location, ...]:
    """Return the lines of a call site in files that can be read, nearest first."""
    found = ((python_source(path), line) for path, line in site)
    return tuple(Location(file, (Range(line, line),)) for file, line in found if file is not None)


_known: dict[str, SourceFile] = {}


def know(file: SourceFile) -> None:
    """Let code that was compiled under the name of ``file`` be found in it, and on no disk."""
    _known[file.filename] = file


def forget(file: SourceFile) -> None:
    """Take back what :func:`know` was told."""
    if _known.get(file.filename) is file:
        del _known[file.filename]


def python_source(path: str) -> SourceFile | None:
    """Return the Python file at ``path``, or None where there is no such file to read.

    A file that is on no disk is one that :func:`know` was told of.
    """
    return _known.get(path) or _on_disk(path)


@lru_cache(maxsize=256)
def _on_disk(path: str) -> SourceFile | None:
    """Return a file with the name that people know.

    Its name is relative to the working directory for a file below it, else the
    last component alone: a definition never tells where on a disk it was made.
    """
    # It takes 2 ms to import, which is much for a frontend that makes steps from other files.
    from pathlib import Path  # noqa: PLC0415

    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    here = Path.cwd()
    full = Path(path).resolve()
    name = full.relative_to(here).as_posix() if full.is_relative_to(here) else full.name
    return SourceFile(filename=name, data=data, language="Python")
