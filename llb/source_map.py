"""Source maps: which lines of which text made a step.

The daemon prints these lines when the step fails (ops.proto, ``Source``).
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = str(Path(__file__).parent) + "/"


@frozen
class SourceFile:
    """A text that steps come from, under the name that is shown to people.

    ``language`` is a name of GitHub's linguist list, ``definition`` the
    serialized ``pb.Definition`` that yields the text, where there is one.
    """

    filename: str
    data: bytes = field(repr=False)
    language: str = ""
    definition: bytes | None = field(default=None, repr=False)


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


@frozen
class CallSite:
    """A line of a Python file: ``path`` as the interpreter knows it."""

    path: str
    line: int


def caller() -> CallSite | None:
    """Return the nearest line on the stack that is not in this package, or None.

    The rule that finds the line is the one a reader would use: the call into
    the library, whatever helpers the library went through.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        # Generated code (attrs methods, python -c) has no file to show.
        if not path.startswith((_PACKAGE, "<")):
            return CallSite(path, frame.f_lineno)
        frame = frame.f_back
    return None


@lru_cache(maxsize=256)
def python_source(path: str) -> SourceFile | None:
    """Return the Python file at ``path``, or None where there is no such file to read.

    Its name is relative to the working directory for a file below it, else the
    last component alone: a definition never tells where on a disk it was made.
    """
    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    here = Path.cwd()
    full = Path(path).resolve()
    name = full.relative_to(here).as_posix() if full.is_relative_to(here) else full.name
    return SourceFile(filename=name, data=data, language="Python")
