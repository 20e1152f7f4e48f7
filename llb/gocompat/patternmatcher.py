r"""Patterns that choose files: those of .dockerignore, as Docker matches them.

The rules are those of moby's ``patternmatcher``: ``*`` and ``?`` stay within a
component, ``**`` spans any number of them, ``[...]`` is a class, ``\`` escapes,
a pattern matches what is below the directory that it names, and a later ``!``
pattern takes back what an earlier one matched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError
from llb.gocompat.path import clean
from llb.gocompat.regexp import Anchor, Repeat, Sequence, char, compile_node, compile_regex, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.gocompat.regexp import Node


@frozen
class Pattern:
    """One pattern: its cleaned text, whether ``!`` came before it, and what it matches."""

    text: str
    exclusion: bool
    matches: Callable[[str], bool] = field(repr=False, eq=False)

    @property
    def prefix(self) -> str:
        """The text without a last component that stands for anything."""
        return self.text.removesuffix("/**").removesuffix("/*")


@frozen
class Patterns:
    """A list of patterns that are matched together."""

    patterns: tuple[Pattern, ...]

    @classmethod
    def compile(cls, texts: Iterable[str]) -> Patterns:
        """Return the patterns of ``texts``; empty ones are left out.

        Raises InvalidValueError for a pattern that is malformed.
        """
        stripped = (text.strip() for text in texts)
        return cls(tuple(_compile(text) for text in stripped if text))

    @property
    def exclusions(self) -> bool:
        """Whether any pattern takes back what others matched."""
        return any(pattern.exclusion for pattern in self.patterns)

    def matches(self, path: str) -> bool:
        """Return whether ``path`` or a directory above it is matched."""
        return self.match_below(path, None)[0]

    def match_below(
        self, path: str, parent: tuple[bool, ...] | None
    ) -> tuple[bool, tuple[bool, ...]]:
        """Return whether ``path`` is matched, and by which patterns.

        ``parent`` is the second value of the directory above, which saves
        matching it again; None matches every directory above.
        """
        matched = False
        by: list[bool] = []
        for place, pattern in enumerate(self.patterns):
            hit = parent is not None and parent[place]
            if not hit and pattern.exclusion == matched:
                hit = pattern.matches(path)
                if not hit and parent is None:
                    hit = any(pattern.matches(above) for above in _parents(path))
            by.append(hit)
            if hit:
                matched = not pattern.exclusion
        return matched, tuple(by)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: place + 1]) for place in range(len(parts))]


def _compile(text: str) -> Pattern:
    cleaned = clean(text)
    exclusion = cleaned.startswith("!")
    if exclusion:
        cleaned = cleaned[1:]
        if not cleaned:
            raise InvalidValueError("invalid pattern '!': expected a pattern after it")
    check_glob(cleaned)
    return Pattern(cleaned, exclusion, _matcher(cleaned))


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a path is matched, by the quickest way."""
    if _is_literal(pattern):
        return pattern.__eq__
    rest = pattern.removeprefix("**")
    if rest != pattern and _is_literal(rest):
        # A leading ** matches any directories, none included.
        return lambda path: path.endswith(rest) or path == rest.removeprefix("/")
    rest = pattern.removesuffix("**")
    if rest != pattern and _is_literal(rest):
        return lambda path: path.startswith(rest)
    try:
        return compile_regex(_to_regex(pattern))
    except InvalidValueError as error:
        raise _malformed(pattern, error.message) from error


def _is_literal(text: str) -> bool:
    return not any(character in "*?[]\\" for character in text)


def _to_regex(pattern: str) -> str:
    """Return a pattern as the regular expression that Docker makes of it.

    It is made character by character, with no regard for where a class begins and
    ends, so that a wildcard in a class is still one. An escaped letter, ``|``, ``^`` and
    ``{2}`` mean what they mean in a regular expression: the last three by mistake, but that
    is what they do.
    """
    out = ["^"]
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*" and pattern.startswith("*", place):
            place += 1
            place += pattern.startswith("/", place)
            out.append("(.*/)?" if place < len(pattern) else ".*")
        elif character == "\\":
            out.append(pattern[place - 1 : place + 1])
            place += 1
        else:
            out.append(_TRANSLATED.get(character, character))
    return "".join((*out, "$"))


_TRANSLATED = {"*": "[^/]*", "?": "[^/]"} | {each: f"\\{each}" for each in ".+()$"}


def check_glob(pattern: str) -> None:
    """Raise InvalidValueError for a pattern that Go's ``filepath.Match`` calls malformed.

    Docker asks it with the name ``.``, and it does not look behind the part between two
    ``*`` that fails to match.
    """
    name = "."
    while pattern:
        chunk, pattern = _split_glob(pattern.lstrip("*"))
        parts = _parse_glob(chunk)
        if parts and (not name or len(parts) > 1 or not matches_glob(chunk, name)):
            return
        name = "" if parts else name


def _split_glob(pattern: str) -> tuple[str, str]:
    """Return a pattern up to its first ``*`` outside of classes, and the rest."""
    place, in_class = 0, False
    while place < len(pattern) and (in_class or pattern[place] != "*"):
        match pattern[place]:
            case "\\":
                place += 1
            case "[":
                in_class = True
            case "]":
                in_class = False
        place += 1
    return pattern[:place], pattern[place:]


def matches_glob(pattern: str, name: str) -> bool:
    """Return whether one component of a path matches, as ``filepath.Match`` does.

    Nothing matches a pattern that is malformed.
    """
    try:
        parts = _parse_glob(pattern)
    except InvalidValueError:
        return False
    return compile_node(Sequence((Anchor.START, *parts, Anchor.END)))(name)


def _parse_glob(pattern: str) -> list[Node]:
    """Return what the characters of a glob match, one after the other."""
    parts: list[Node] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        match character:
            case "*":
                parts.append(Repeat(_IN_COMPONENT, 0, None))
            case "?":
                parts.append(_IN_COMPONENT)
            case "[":
                node, place = _parse_class(pattern, place)
                parts.append(node)
            case "\\":
                if place == len(pattern):
                    raise _malformed(pattern, "it ends with an escape")
                parts.append(literal(pattern[place]))
                place += 1
            case _:
                parts.append(literal(character))
    return parts


_IN_COMPONENT = char((ord("/"), ord("/")), negated=True)


def _parse_class(pattern: str, place: int) -> tuple[Node, int]:
    """Return the class whose content begins at ``place``, and where it ends."""
    negated = pattern.startswith("^", place)
    place += negated
    ranges: list[tuple[int, int]] = []
    while not (ranges and pattern.startswith("]", place)):
        first, place = _class_character(pattern, place)
        last = first
        if pattern.startswith("-", place):
            last, place = _class_character(pattern, place + 1)
        ranges.append((first, last))
    return char(*(each for each in ranges if each[0] <= each[1]), negated=negated), place + 1


def _class_character(pattern: str, place: int) -> tuple[int, int]:
    """Return a character of a class, and where it ends; a ``]`` must follow somewhere."""
    if pattern.startswith("\\", place):
        place += 1
    elif pattern.startswith(("-", "]"), place):
        raise _malformed(pattern, "a class has an empty range")
    if place + 1 >= len(pattern):
        raise _malformed(pattern, "a class is not closed")
    return ord(pattern[place]), place + 1


def _malformed(pattern: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"invalid pattern {pattern!r}: {reason}")
