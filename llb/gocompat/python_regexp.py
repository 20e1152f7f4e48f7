r"""Translate regular expressions from Go's syntax to Python's.

Both prefer the first alternative, so that groups match the same. What Go refuses, such as
look-ahead and ``\1``, is refused here. ``\d``, ``\w``, ``\s`` and ``\b`` are ASCII in Go.
"""

from __future__ import annotations

import re

_CLASSES = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": r"\t\n\f\r ",
}
_NAMED = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_GROUP = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_HEXADECIMAL = re.compile(r"x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_REPETITION = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")
_CLASS_NAME = re.compile(r"\[:(\^?)(\w+):\]")
_MOST_REPETITIONS = 1000


def to_python(pattern: str) -> str:
    r"""Translate an expression. Raises ValueError.

    >>> to_python(r"(?<name>\d+)$")
    '(?P<name>[0-9]+)\\Z'
    """
    return _Translator(pattern).whole()


class _Translator:
    """Translates from ``offset`` on; ``flags`` are those of the current group."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.offset = 0

    def whole(self) -> str:
        text = self.alternatives(frozenset())
        if self.offset < len(self.pattern):
            raise ValueError("unexpected )")
        return text

    def alternatives(self, flags: frozenset[str]) -> str:
        """Translate up to the end of the group. A flag inside applies up to there."""
        pieces: list[str] = []
        closing = ""
        while self.offset < len(self.pattern) and self.pattern[self.offset] != ")":
            if self.pattern[self.offset] == "|":
                self.offset += 1
                # Groups that flags have opened are closed in each alternative.
                pieces.append(f"{closing}|{self._opened(flags) if closing else ''}")
                continue
            match = _FLAGS.match(self.pattern, self.offset)
            if match is not None and match[3] == ")":
                self.offset = match.end()
                flags = self._changed(flags, match)
                pieces.append(closing + self._opened(flags))
                closing = ")"
                continue
            pieces.append(self._repeated(self._single(flags)))
        return "".join(pieces) + closing

    def _opened(self, flags: frozenset[str]) -> str:
        on = "".join(sorted(flags))
        off = "".join(sorted(frozenset("ims") - flags))
        return f"(?{on}{'-' + off if off else ''}:"

    def _changed(self, flags: frozenset[str], match: re.Match[str]) -> frozenset[str]:
        if "U" in match[1] + (match[2] or ""):
            raise ValueError("the flag U is not supported")
        return (flags | frozenset(match[1])) - frozenset(match[2] or "")

    def _repeated(self, node: str) -> str:
        match = _REPETITION.match(self.pattern, self.offset)
        if match is None:
            return node
        counts = [int(count) for count in re.findall(r"[0-9]+", match[0])]
        if max(counts, default=0) > _MOST_REPETITIONS or counts != sorted(counts):
            raise ValueError("invalid repeat count")
        self.offset = match.end()
        lazy = self.pattern.startswith("?", self.offset)
        self.offset += lazy
        if _REPETITION.match(self.pattern, self.offset):
            raise ValueError("invalid nested repetition operator")
        return f"{node}{match[0]}{'?' if lazy else ''}"

    def _single(self, flags: frozenset[str]) -> str:
        character = self.pattern[self.offset]
        if character == "(":
            return self._group(flags)
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if _REPETITION.match(self.pattern, self.offset):
            raise ValueError("missing argument to repetition operator")
        self.offset += 1
        match character:
            case "$":
                return "$" if "m" in flags else r"\Z"
            case "^" | ".":
                return character
            case _:
                return re.escape(character)

    def _group(self, flags: frozenset[str]) -> str:
        if match := _GROUP.match(self.pattern, self.offset):
            opening = f"(?P<{match[1]}>"
        elif match := _FLAGS.match(self.pattern, self.offset):
            flags = self._changed(flags, match)
            opening = self._opened(flags)
        elif self.pattern.startswith("(?", self.offset):
            raise ValueError("invalid or unsupported Perl syntax")
        else:
            opening = "("
        self.offset = match.end() if match else self.offset + 1
        inner = self.alternatives(flags)
        if not self.pattern.startswith(")", self.offset):
            raise ValueError("missing closing )")
        self.offset += 1
        return f"{opening}{inner})"

    def _escape(self) -> str:
        selector = self.pattern[self.offset + 1 : self.offset + 2]
        if selector == "Q":
            quoted, end, _ = self.pattern[self.offset + 2 :].partition("\\E")
            self.offset += 2 + len(quoted) + len(end)
            # A repetition belongs to the last character alone.
            return re.escape(quoted)
        if selector in {"A", "z"}:
            self.offset += 2
            return r"\A" if selector == "A" else r"\Z"
        if selector in {"b", "B"}:
            self.offset += 2
            return rf"(?a:\{selector})"
        if selector.lower() in _CLASSES and selector:
            self.offset += 2
            negated = "^" if selector.isupper() else ""
            return f"[{negated}{_CLASSES[selector.lower()]}]"
        return re.escape(self._escaped_character())

    def _escaped_character(self) -> str:
        start = self.offset + 1
        if match := _HEXADECIMAL.match(self.pattern, start):
            self.offset = match.end()
            code = int(match[1] or match[2], 16)
        elif match := _OCTAL.match(self.pattern, start):
            self.offset = match.end()
            code = int(match[0], 8)
        else:
            selector = self.pattern[start : start + 1]
            if not selector:
                raise ValueError("trailing backslash at end of expression")
            self.offset += 2
            if selector.isalnum() or not selector.isascii():
                controls = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
                if selector not in controls:
                    raise ValueError(f"invalid escape sequence \\{selector}")
                code = controls[selector]
            else:
                code = ord(selector)
        if code > 0x10FFFF:
            raise ValueError("invalid escape sequence")
        return chr(code)

    def _class(self) -> str:
        self.offset += 1
        negated = self.pattern.startswith("^", self.offset)
        self.offset += negated
        members: list[str] = []
        while not members or not self.pattern.startswith("]", self.offset):
            if self.offset >= len(self.pattern):
                raise ValueError("missing closing ]")
            members.append(self._member())
        self.offset += 1
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def _member(self) -> str:
        if match := _CLASS_NAME.match(self.pattern, self.offset):
            self.offset = match.end()
            if match[2] not in _NAMED:
                raise ValueError("invalid character class range")
            return _complement(_NAMED[match[2]]) if match[1] else _NAMED[match[2]]
        selector = self.pattern[self.offset + 1 : self.offset + 2]
        if self.pattern[self.offset] == "\\" and selector and selector.lower() in _CLASSES:
            self.offset += 2
            inner = _CLASSES[selector.lower()]
            return _complement(inner) if selector.isupper() else inner
        first = self._class_character()
        if self.pattern.startswith("-", self.offset) and not self.pattern.startswith(
            "-]", self.offset
        ):
            self.offset += 1
            last = self._class_character()
            if last < first:
                raise ValueError("invalid character class range")
            return f"{_in_class(first)}-{_in_class(last)}"
        return _in_class(first)

    def _class_character(self) -> str:
        if self.offset >= len(self.pattern):
            raise ValueError("missing closing ]")
        if self.pattern[self.offset] == "\\":
            return self._escaped_character()
        self.offset += 1
        return self.pattern[self.offset - 1]


def _in_class(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _complement(ranges: str) -> str:
    """The ranges of all other characters."""
    inside = re.compile(f"[{ranges}]")
    outside = [code for code in range(0x80) if not inside.match(chr(code))]
    return "".join(f"\\x{code:02x}" for code in outside) + "\\U00000080-\\U0010ffff"
