"""Match glob patterns, as in ``${name#pattern}``, in linear time.

The grammar is that of the Dockerfile reference ("Environment replacement"): POSIX patterns
without brackets, and a backslash that escapes ``*``, ``?`` and itself. As in Docker's frontend,
which turns patterns into regular expressions, neither wildcard matches a newline.
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
    """An invalid pattern; the message says why."""


def trim_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Remove the shortest or longest matching prefix of a value."""
    if _SPECIAL.search(pattern) is None:
        return value.removeprefix(pattern)
    return value[_Glob.parse(pattern).end(value, 0, longest=longest) or 0 :]


def trim_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Remove the shortest or longest matching suffix of a value."""
    # A suffix is a prefix of the reversed value.
    backwards = "".join(reversed(_PAIRS.findall(pattern)))
    return trim_prefix(value[::-1], backwards, longest=longest)[::-1]


def replace_first(value: str, pattern: str, replacement: str) -> str:
    """Replace the first match, which is as long as possible."""
    glob = _Glob.parse(pattern)
    start = glob.starts(value).find(1)
    if start < 0:
        return value
    return value[:start] + replacement + value[glob.end(value, start, longest=True) :]


def replace_all(value: str, pattern: str, replacement: str) -> str:
    """Replace all matches.

    In the replacement, ``$0`` is the match, as in Go's ``regexp.ReplaceAllString``, which also
    ignores an empty match right after another one.
    """
    glob = _Glob.parse(pattern)
    starts = glob.starts(value)
    parts: list[str] = []
    done = position = 0
    while (start := starts.find(1, position)) >= 0:
        end = glob.end(value, start, longest=True)
        assert end is not None
        parts.append(value[done:start])
        if end > done or start == 0:
            parts.append(_fill_template(replacement, value[start:end]))
        done = end
        position = max(end, start + 1)
    return "".join((*parts, value[done:]))


def _fill_template(replacement: str, match: str) -> str:
    if "$" not in replacement:
        return replacement
    # The whole match is the only group.
    return _TEMPLATE.sub(
        lambda group: group[1] or (match if (group[2] or group[3]) == "0" else ""), replacement
    )


@frozen
class _Glob:
    """A pattern as a bit set: bit ``n`` is position ``n`` of the pattern.

    All reachable positions advance over a character at once, so the time does not depend on the
    number of ways to match.
    """

    tokens: tuple[_Item, ...]

    @classmethod
    def parse(cls, pattern: str) -> _Glob:
        """Parse a pattern. Raises GlobError."""
        tokens: list[_Item] = []
        pairs = iter(_PAIRS.findall(pattern))
        for pair in pairs:
            if pair == "*":
                tokens += [_ANY] if tokens[-1:] != [_ANY] else []
            elif pair in ("\\}", "\\/"):
                # These are escaped because of the braces around the pattern.
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
        """Find the end of the shortest or longest match from ``start``; None without a match."""
        masks, stars, final = _bits(self.tokens)
        reached = _skip_stars(1, stars)
        match_end = None
        for index in range(start, len(value) + 1):
            if reached & final:
                match_end = index
                if not longest:
                    break
            if index == len(value) or not reached:
                break
            reached = _advance(reached, value[index], masks, stars)
        return match_end

    def starts(self, value: str) -> bytearray:
        """Mark the indices of the value, its end included, where a match begins."""
        masks, stars, final = _bits(self.tokens[::-1])
        begins = bytearray(len(value) + 1)
        reached = _skip_stars(1, stars)
        begins[-1] = bool(reached & final)
        for index in range(len(value) - 1, -1, -1):
            reached = _skip_stars(_advance(reached, value[index], masks, stars) | 1, stars)
            begins[index] = bool(reached & final)
        return begins


_Masks: TypeAlias = "dict[_Item, int]"


def _bits(tokens: tuple[_Item, ...]) -> tuple[_Masks, int, int]:
    """Build the bit masks of the positions per token, of the stars, and of the final position."""
    masks: _Masks = {}
    for position, token in enumerate(tokens):
        masks[token] = masks.get(token, 0) | 1 << position
    return masks, masks.pop(_ANY, 0), 1 << len(tokens)


def _advance(reached: int, character: str, masks: _Masks, stars: int) -> int:
    allowed = masks.get(character, 0)
    stays = 0
    if character != "\n":
        allowed |= masks.get(_ONE, 0)
        stays = reached & stars
    return _skip_stars((reached & allowed) << 1 | stays, stars)


def _skip_stars(reached: int, stars: int) -> int:
    """Add the positions after stars, which match the empty string; stars are never adjacent."""
    return reached | (reached & stars) << 1
