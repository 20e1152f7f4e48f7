r"""Patterns that choose files: those of .dockerignore, as Docker matches them.

The rules are those of moby's ``patternmatcher``: ``*`` and ``?`` stay within a
component, ``**`` spans any number of them, ``[...]`` is a class, ``\`` escapes,
a pattern matches what is below the directory that it names, and a later ``!``
pattern takes back what an earlier one matched.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError
from llb.paths import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Python's engine tries the ways to split a text between wildcards one by one. Up to
# this number of wildcards that is quick on any path; beyond it states are tracked.
_MAX_BACKTRACKING = 4


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
    tokens = _tokens(pattern)
    if all(token[0] == "literal" for token in tokens) and "\\" not in pattern:
        return pattern.__eq__
    rest = pattern.removeprefix("**")
    if rest != pattern and _is_literal(rest):
        # A leading ** matches any directories, none included.
        return lambda path: path.endswith(rest) or path == rest.removeprefix("/")
    rest = pattern.removesuffix("**")
    if rest != pattern and _is_literal(rest):
        return lambda path: path.startswith(rest)
    wildcards = sum(token[0] in ("star", "deep", "rest") for token in tokens)
    if wildcards > _MAX_BACKTRACKING:
        return lambda path: _simulate(tokens, path)
    regex = _regex(pattern)
    return lambda path: regex.match(path) is not None


def _is_literal(text: str) -> bool:
    return not any(character in "*?[]\\" for character in text)


_Token = tuple[str, str]


def _regex(pattern: str) -> re.Pattern[str]:
    """Return a pattern as the regular expression that Docker makes of it.

    It is made character by character, with no regard for where a class begins and
    ends, so that a wildcard in a class is still one. An escaped letter means what it
    means in a regular expression. Raises InvalidValueError.
    """
    out: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*" and pattern.startswith("*", place):
            place += 1
            place += pattern.startswith("/", place)
            out.append("(?:.*/)?" if place < len(pattern) else ".*")
        elif character == "\\" and place < len(pattern):
            out.append(_escape(pattern[place]))
            place += 1
        else:
            out.append(_TRANSLATED.get(character, character))
    try:
        with warnings.catch_warnings():
            # Python wonders whether "[[" was meant as a set of sets.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile("".join(out) + r"\Z")
    except re.error as error:
        raise _malformed(pattern, str(error)) from error


_TRANSLATED = {"*": "[^/]*", "?": "[^/]"} | {each: f"\\{each}" for each in ".+()|{}$"}


def _escape(character: str) -> str:
    return "\\Z" if character == "z" else f"\\{character}"


def _tokens(pattern: str) -> tuple[_Token, ...]:
    """Split a pattern into literal characters, classes and wildcards."""
    tokens: list[_Token] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if pattern.startswith("**", place):
            place += 2
            place += pattern.startswith("/", place)
            token = ("deep", "") if place < len(pattern) else ("rest", "")
            # Two of them in a row say no more than one.
            if not tokens or tokens[-1] != token:
                tokens.append(token)
            continue
        if character == "*":
            if not tokens or tokens[-1][0] != "star":
                tokens.append(("star", ""))
        elif character == "?":
            tokens.append(("any", ""))
        elif character == "[":
            end = _class_end(pattern, place)
            tokens.append(("class", _class_regex(pattern[place:end])))
            place = end
            continue
        elif character == "\\" and place + 1 < len(pattern):
            place += 1
            tokens.append(("literal", pattern[place]))
        else:
            tokens.append(("literal", character))
        place += 1
    return tuple(tokens)


def _class_end(pattern: str, start: int) -> int:
    """Return where the class that begins at ``start`` ends."""
    place = start + 1
    while place < len(pattern) and pattern[place] != "]":
        place += 2 if pattern[place] == "\\" else 1
    return place + 1


def _class_regex(text: str) -> str:
    inner = text[1:-1]
    negated = inner.startswith("^")
    escaped = re.sub(r"(?<!\\)([\[&~|])", r"\\\1", inner.removeprefix("^"))
    return f"[{'^' * negated}{escaped}]"


def _simulate(tokens: tuple[_Token, ...], path: str) -> bool:
    """Match by tracking every place in the pattern at once, in time linear in the path.

    A place is the number of a token that comes next; ``size + number`` is the
    inside of a ``**/``, which may be left after a slash alone.
    """
    size = len(tokens) + 1
    places = _closure(tokens, {0})
    for character in path:
        following: set[int] = set()
        for place in places:
            following |= _step(tokens, place, character, size)
        places = _closure(tokens, following)
        if not places:
            return False
    return len(tokens) in places


def _step(tokens: tuple[_Token, ...], place: int, character: str, size: int) -> set[int]:
    """Return the places that ``character`` leads to."""
    number = place % size
    if place == len(tokens):
        return set()
    kind, text = tokens[number]
    if kind == "deep":
        return {size + number, number + 1} if character == "/" else {size + number}
    if kind == "rest" or (kind == "star" and character != "/"):
        return {place}
    return {place + 1} if _accepts(kind, text, character) else set()


def _closure(tokens: tuple[_Token, ...], places: set[int]) -> set[int]:
    """Return the places with those that are reached without a character."""
    found = set(places)
    for place in places:
        following = place
        while following < len(tokens) and tokens[following][0] in ("star", "deep", "rest"):
            following += 1
            found.add(following)
    return found


def _accepts(kind: str, text: str, character: str) -> bool:
    match kind:
        case "literal":
            return character == text
        case "any":
            return character != "/"
        case "class":
            return re.match(text, character) is not None
        case _:
            return False


def check_glob(pattern: str) -> None:
    """Raise InvalidValueError for a pattern that Go's ``filepath.Match`` calls malformed."""
    place = 0
    while place < len(pattern):
        if pattern[place] == "\\":
            if place + 1 == len(pattern):
                raise _malformed(pattern, "it ends with an escape")
            place += 2
        elif pattern[place] == "[":
            place = _check_class(pattern, place + 1)
        else:
            place += 1


def _check_class(pattern: str, place: int) -> int:
    """Check the class whose content begins at ``place`` and return where it ends."""
    place += pattern.startswith("^", place)
    ranges = 0
    while not (ranges and pattern.startswith("]", place)):
        place = _check_class_character(pattern, place)
        if pattern.startswith("-", place):
            place = _check_class_character(pattern, place + 1)
        ranges += 1
    return place + 1


def _check_class_character(pattern: str, place: int) -> int:
    if pattern.startswith("\\", place):
        place += 1
    elif pattern.startswith(("-", "]"), place):
        raise _malformed(pattern, "a class has an empty range")
    if place + 1 >= len(pattern):
        raise _malformed(pattern, "a class is not closed")
    return place + 1


def _malformed(pattern: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"invalid pattern {pattern!r}: {reason}")
