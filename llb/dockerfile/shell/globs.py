"""Patterns of ``*`` and ``?`` in ``${name#pattern}`` and its kin, matched in linear time.

The grammar is that of the Dockerfile reference ("Environment replacement"): POSIX's without
brackets, and a backslash in front of ``*``, ``?`` and itself. As in Docker's frontend, which
makes regular expressions of them, neither sign matches the end of a line.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import frozen

_PAIRS = re.compile(r"\\.|.", re.DOTALL)
_SPECIAL = re.compile(r"[*?\\]")
_TEMPLATE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")

_ANY, _ONE = object(), object()
_Item: TypeAlias = "str | object"


class GlobError(ValueError):
    """A pattern that cannot be read; the text says why."""


def trim_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without its shortest or longest beginning that matches."""
    if _SPECIAL.search(pattern) is None:
        return value.removeprefix(pattern)
    return value[_Glob.parse(pattern).end(value, 0, longest=longest) or 0 :]


def trim_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Return the value without its shortest or longest ending that matches."""
    # An ending is a beginning of everything reversed.
    backwards = "".join(reversed(_PAIRS.findall(pattern)))
    return trim_prefix(value[::-1], backwards, longest=longest)[::-1]


def replace_first(value: str, pattern: str, replacement: str) -> str:
    """Return the value with its first, longest match replaced."""
    glob = _Glob.parse(pattern)
    start = glob.starts(value).find(1)
    if start < 0:
        return value
    return value[:start] + replacement + value[glob.end(value, start, longest=True) :]


def replace_all(value: str, pattern: str, replacement: str) -> str:
    """Return the value with all its matches replaced.

    In the replacement, ``$0`` is what matched, as in Go's ``regexp.ReplaceAllString``, which
    also does not count an empty match right behind another one.
    """
    glob = _Glob.parse(pattern)
    starts = glob.starts(value)
    parts: list[str] = []
    done = place = 0
    while (start := starts.find(1, place)) >= 0:
        end = glob.end(value, start, longest=True)
        assert end is not None
        parts.append(value[done:start])
        if end > done or start == 0:
            parts.append(_filled(replacement, value[start:end]))
        done = end
        place = max(end, start + 1)
    return "".join((*parts, value[done:]))


def _filled(replacement: str, match: str) -> str:
    if "$" not in replacement:
        return replacement
    # There are no groups but the whole match.
    return _TEMPLATE.sub(
        lambda found: found[1] or (match if (found[2] or found[3]) == "0" else ""), replacement
    )


@frozen
class _Glob:
    """A pattern as bits: position ``n`` of the pattern is bit ``n`` of a number.

    A set of positions moves over a character at once, so that the time does not depend on how
    many ways there are to match.
    """

    tokens: tuple[_Item, ...]

    @classmethod
    def parse(cls, pattern: str) -> _Glob:
        """Return a pattern. Raises GlobError."""
        tokens: list[_Item] = []
        pairs = iter(_PAIRS.findall(pattern))
        for pair in pairs:
            if pair == "*":
                tokens += [_ANY] if tokens[-1:] != [_ANY] else []
            elif pair in ("\\}", "\\/"):
                # They are escaped for the sake of the braces around the pattern.
                tokens.append(pair[1])
            elif pair[0] == "\\":
                if pair[1:] not in ("*", "?", "\\"):
                    escaped = pair[1:] or "\ufffd"
                    raise GlobError(
                        f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'"
                    )
                tokens.append(pair[1])
            else:
                tokens.append(_ONE if pair == "?" else pair)
        return cls(tuple(tokens))

    def end(self, value: str, start: int, *, longest: bool) -> int | None:
        """Return where the shortest or longest match from ``start`` ends, None without one."""
        masks, stars, final = _bits(self.tokens)
        reached = _skipped(1, stars)
        found = None
        for place in range(start, len(value) + 1):
            if reached & final:
                found = place
                if not longest:
                    break
            if place == len(value) or not reached:
                break
            reached = _moved(reached, value[place], masks, stars)
        return found

    def starts(self, value: str) -> bytearray:
        """Return for each place in the value, its end included, whether a match begins there."""
        masks, stars, final = _bits(self.tokens[::-1])
        begins = bytearray(len(value) + 1)
        reached = _skipped(1, stars)
        begins[-1] = bool(reached & final)
        for place in range(len(value) - 1, -1, -1):
            reached = _skipped(_moved(reached, value[place], masks, stars) | 1, stars)
            begins[place] = bool(reached & final)
        return begins


_Masks: TypeAlias = "dict[_Item, int]"


def _bits(tokens: tuple[_Item, ...]) -> tuple[_Masks, int, int]:
    """Return which positions each character may leave, those of stars, and the last one."""
    masks: _Masks = {}
    for place, token in enumerate(tokens):
        masks[token] = masks.get(token, 0) | 1 << place
    return masks, masks.pop(_ANY, 0), 1 << len(tokens)


def _moved(reached: int, character: str, masks: _Masks, stars: int) -> int:
    allowed = masks.get(character, 0)
    stays = 0
    if character != "\n":
        allowed |= masks.get(_ONE, 0)
        stays = reached & stars
    return _skipped((reached & allowed) << 1 | stays, stars)


def _skipped(reached: int, stars: int) -> int:
    """Add what lies behind stars, which also match nothing; no two stand side by side."""
    return reached | (reached & stars) << 1
