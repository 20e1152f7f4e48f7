"""The text of strings and heredocs between their interpolations, with its escapes resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llb.bake.hcl.places import Place

_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_QUOTED = re.compile(r"\\(u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|.|$)|([$%])\2\{", re.DOTALL)
_PLAIN = re.compile(r"([$%])\1\{")


def unescape_plain(text: str) -> str:
    """Resolve ``$${`` and ``%%{``, the only escapes of a heredoc.

    >>> unescape_plain("$${x} %%{y}")
    '${x} %{y}'
    """
    return _PLAIN.sub(r"\1{", text)


def unescape_quoted(text: str, place: Place) -> str:
    """Resolve the escapes of a quoted string at ``place``. Raises BakeFileError."""

    def replaced(match: re.Match[str]) -> str:
        if match[2]:
            return match[2] + "{"
        return _unescaped(match[1], _inside(place, match.start(), match.end()))

    return _QUOTED.sub(replaced, text)


def _inside(place: Place, start: int, end: int) -> Place:
    return type(place)(place.source, place.start + start, place.start + end)


def _unescaped(selector: str, place: Place) -> str:
    if selector in _SIMPLE:
        return _SIMPLE[selector]
    for letter, digits, words in (("u", 4, "four"), ("U", 8, "eight")):
        if selector.startswith(letter):
            if len(selector) != digits + 1:
                raise place.error(
                    f"invalid escape sequence: \\{letter} needs {words} hexadecimal digits"
                )
            code = int(selector[1:], 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise place.error(f"invalid escape sequence: no character has the code {code:x}")
            return chr(code)
    raise place.error(
        f"invalid escape sequence '\\{selector}'",
        'valid ones are \\n, \\r, \\t, \\", \\\\, \\u and \\U',
    )
