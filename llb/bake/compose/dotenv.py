"""Read files of environment variables, such as ``.env``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.bake.compose.interpolation import substitute
from llb.errors import BakeFileError

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = re.compile(r"\s*(?:export[ \t]+)?([\w.\[\]-]+)[ \t]*([=:]|(?=\n)|\Z)[ \t]*")
_SKIPPED = re.compile(r"(?:\s|#[^\n]*)*")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse_dotenv(text: str, look_up: Callable[[str], str | None], name: str) -> dict[str, str]:
    r"""Parse a file. Raises BakeFileError.

    Values may use variables that ``look_up`` finds, or that the file defines before. A name alone
    has the value that ``look_up`` finds, or none.

    >>> parse_dotenv("A=1\nB='x y' # no\nC=$A-$D", {"D": "2"}.get, ".env")
    {'A': '1', 'B': 'x y', 'C': '1-2'}
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}

    def find(variable: str) -> str | None:
        outer = look_up(variable)
        return values.get(variable) if outer is None else outer

    offset = _skipped(text, 0)
    while offset < len(text):
        match = _LINE.match(text, offset)
        if match is None:
            line = text.count("\n", 0, offset) + 1
            found = text[offset:].split("\n", 1)[0]
            raise BakeFileError(f"{name}:{line}: expected NAME=VALUE, but found {found!r}")
        offset = match.end()
        if match[2]:
            values[match[1]], offset = _value(text, offset, find, name)
        else:
            inherited = look_up(match[1])
            if inherited is not None:
                values[match[1]] = inherited
        offset = _skipped(text, offset)
    return values


def _skipped(text: str, offset: int) -> int:
    match = _SKIPPED.match(text, offset)
    assert match is not None
    return match.end()


def _value(
    text: str, offset: int, look_up: Callable[[str], str | None], name: str
) -> tuple[str, int]:
    if text[offset : offset + 1] in {'"', "'"}:
        match = _QUOTED.match(text, offset)
        if match is None:
            line = text.count("\n", 0, offset) + 1
            raise BakeFileError(f"{name}:{line}: the value has no closing quote")
        if match[1] is None:
            return match[2].replace("\\\\'", "'"), match.end()
        return substitute(_ESCAPE.sub(_unescaped, match[1]), look_up, name), match.end()
    rest, _, _ = text[offset:].partition("\n")
    value = rest.split(" #", 1)[0].rstrip()
    return substitute(value, look_up, name), offset + len(rest)


def _unescaped(match: re.Match[str]) -> str:
    if match[1] == "$":
        return "$$"
    if match[1] in {'"', "\\\\"}:
        return match[1]
    return _ESCAPES.get(match[1], match[0])
