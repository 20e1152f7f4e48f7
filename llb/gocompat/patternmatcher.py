r"""Match file patterns of .dockerignore as Docker does.

The rules are those of moby's ``patternmatcher``: ``*`` and ``?`` stay within a path component,
``**`` spans any number of components, ``[...]`` is a class, ``\`` escapes, a pattern matches
everything below a matching directory, and a later ``!`` pattern excludes what an earlier one
matched.
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
    """One pattern: its cleaned text, whether it began with ``!``, and a match function."""

    text: str
    exclusion: bool
    matches: Callable[[str], bool] = field(repr=False, eq=False)

    @property
    def prefix(self) -> str:
        """The text without a final ``/*`` or ``/**``."""
        return self.text.removesuffix("/**").removesuffix("/*")


@frozen
class Patterns:
    """A list of patterns that are matched in order."""

    patterns: tuple[Pattern, ...]

    @classmethod
    def compile(cls, lines: Iterable[str]) -> Patterns:
        """Compile patterns, skipping empty ones.

        Raises InvalidValueError for a malformed pattern.
        """
        stripped = (line.strip() for line in lines)
        return cls(tuple(_compile(line) for line in stripped if line))

    @property
    def exclusions(self) -> bool:
        """Whether any pattern begins with ``!``."""
        return any(pattern.exclusion for pattern in self.patterns)

    def matches(self, path: str) -> bool:
        """Check whether ``path`` or a directory above it matches."""
        return self.match_below(path, None)[0]

    def match_below(
        self, path: str, parent: tuple[bool, ...] | None
    ) -> tuple[bool, tuple[bool, ...]]:
        """Match ``path``; also return the match of each pattern.

        ``parent`` is that second value for the directory above, which saves matching it again; None
        matches every directory above.
        """
        matched = False
        by: list[bool] = []
        for index, pattern in enumerate(self.patterns):
            hit = parent is not None and parent[index]
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
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


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
    """Choose the fastest function that matches a path against the pattern."""
    if _is_literal(pattern):
        return pattern.__eq__
    suffix = pattern.removeprefix("**")
    if suffix != pattern and _is_literal(suffix):
        # A leading ** matches any number of directories, including none.
        return lambda path: path.endswith(suffix) or path == suffix.removeprefix("/")
    prefix = pattern.removesuffix("**")
    if prefix != pattern and _is_literal(prefix):
        return lambda path: path.startswith(prefix)
    try:
        return compile_regex(_to_regex(pattern))
    except InvalidValueError as error:
        raise _malformed(pattern, error.message) from error


def _is_literal(text: str) -> bool:
    return not any(character in "*?[]\\" for character in text)


def _to_regex(pattern: str) -> str:
    """Translate a pattern to the regular expression that Docker uses.

    Docker translates character by character and does not recognize classes, so a wildcard inside a
    class is still a wildcard. An escaped letter, ``|``, ``^`` and ``{2}`` mean what they mean in a
    regular expression; the last three are a mistake of Docker's that is kept here.
    """
    out = ["^"]
    offset = 0
    while offset < len(pattern):
        character = pattern[offset]
        offset += 1
        if character == "*" and pattern.startswith("*", offset):
            offset += 1
            offset += pattern.startswith("/", offset)
            out.append("(.*/)?" if offset < len(pattern) else ".*")
        elif character == "\\":
            out.append(pattern[offset - 1 : offset + 1])
            offset += 1
        else:
            out.append(_TRANSLATED.get(character, character))
    return "".join((*out, "$"))


_TRANSLATED = {"*": "[^/]*", "?": "[^/]"} | {symbol: f"\\{symbol}" for symbol in ".+()$"}


def check_glob(pattern: str) -> None:
    """Raise InvalidValueError for a pattern that Go's ``filepath.Match`` calls malformed.

    Docker checks the pattern against the name ``.``, so Go does not look beyond the first part
    between two ``*`` that fails to match.
    """
    name = "."
    while pattern:
        chunk, pattern = _split_glob(pattern.lstrip("*"))
        parts = _parse_glob(chunk)
        if parts and (not name or len(parts) > 1 or not matches_glob(chunk, name)):
            return
        name = "" if parts else name


def _split_glob(pattern: str) -> tuple[str, str]:
    """Split a pattern before its first ``*`` outside of classes."""
    offset, in_class = 0, False
    while offset < len(pattern) and (in_class or pattern[offset] != "*"):
        match pattern[offset]:
            case "\\":
                offset += 1
            case "[":
                in_class = True
            case "]":
                in_class = False
        offset += 1
    return pattern[:offset], pattern[offset:]


def matches_glob(pattern: str, name: str) -> bool:
    """Match one path component, as ``filepath.Match`` does.

    A malformed pattern matches nothing.
    """
    try:
        parts = _parse_glob(pattern)
    except InvalidValueError:
        return False
    return compile_node(Sequence((Anchor.START, *parts, Anchor.END)))(name)


def _parse_glob(pattern: str) -> list[Node]:
    """Parse a glob into the nodes that it matches in sequence."""
    parts: list[Node] = []
    offset = 0
    while offset < len(pattern):
        character = pattern[offset]
        offset += 1
        match character:
            case "*":
                parts.append(Repeat(_IN_COMPONENT, 0, None))
            case "?":
                parts.append(_IN_COMPONENT)
            case "[":
                node, offset = _parse_class(pattern, offset)
                parts.append(node)
            case "\\":
                if offset == len(pattern):
                    raise _malformed(pattern, "it ends with a backslash")
                parts.append(literal(pattern[offset]))
                offset += 1
            case _:
                parts.append(literal(character))
    return parts


_IN_COMPONENT = char((ord("/"), ord("/")), negated=True)


def _parse_class(pattern: str, offset: int) -> tuple[Node, int]:
    """Parse the class whose content begins at ``offset``; also return the offset after it."""
    negated = pattern.startswith("^", offset)
    offset += negated
    ranges: list[tuple[int, int]] = []
    while not (ranges and pattern.startswith("]", offset)):
        first, offset = _class_character(pattern, offset)
        last = first
        if pattern.startswith("-", offset):
            last, offset = _class_character(pattern, offset + 1)
        ranges.append((first, last))
    return char(*(span for span in ranges if span[0] <= span[1]), negated=negated), offset + 1


def _class_character(pattern: str, offset: int) -> tuple[int, int]:
    """Parse one character of a class that must continue after it; also return the next offset."""
    if pattern.startswith("\\", offset):
        offset += 1
    elif pattern.startswith(("-", "]"), offset):
        raise _malformed(pattern, "a class has an empty range")
    if offset + 1 >= len(pattern):
        raise _malformed(pattern, "a class is not closed")
    return ord(pattern[offset]), offset + 1


def _malformed(pattern: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"invalid pattern {pattern!r}: {reason}")
