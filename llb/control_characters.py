"""Control characters from elsewhere, which must not drive the terminal of the user.

They can set the title and the clipboard, move the cursor over what was printed, or answer in place of
the user. Only newlines and tabs pass, and colors (SGR of ECMA-48) where they are wanted.
"""

from __future__ import annotations

import re

_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_UNSAFE = re.compile(_CONTROLS)
_COLOR_OR_UNSAFE = re.compile(rf"\x1b\[[0-9;:]*m|{_CONTROLS}")
_IN_JSON = re.compile(r"[\x7f-\x9f]")
_RESET = "\x1b[0m"


def escape(text: str) -> str:
    r"""Show control characters as escapes of Python.

    >>> escape("red\x1b[31m\n")
    'red\\x1b[31m\n'
    """
    return _UNSAFE.sub(_escape, text)


def escape_but_colors(text: str) -> str:
    r"""Show control characters as text, except for colors, which end with the line.

    >>> escape_but_colors("\x1b[31mred\x07\nplain")
    '\x1b[31mred\\x07\x1b[0m\nplain'
    """
    if "\x1b" not in text:
        return escape(text)
    lines = _COLOR_OR_UNSAFE.sub(_escape_but_color, text).split("\n")
    return "\n".join(f"{line}{_RESET}" if "\x1b" in line else line for line in lines)


def escape_in_json(text: str) -> str:
    r"""Show the control characters that JSON allows in strings as escapes of JSON.

    >>> escape_in_json('"\x9b2J"')
    '"\\u009b2J"'
    """
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]


def _escape_but_color(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else _escape(match)
