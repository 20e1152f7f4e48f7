r"""Match file patterns of .dockerignore as Docker does.

The rules are those of moby's ``patternmatcher``: ``*`` and ``?`` stay within a path component,
``**`` spans any number of components, ``[...]`` is a class, ``\`` escapes, a pattern matches
everything below a matching directory, and a later ``!`` pattern excludes what an earlier one
matched.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import chain, cycle
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError
from llb.gocompat import regexp
from llb.gocompat.path import clean
from llb.gocompat.regexp import Anchor, Repeat, char, compile_any, literal, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llb.gocompat.regexp import Node

# So many patterns are matched as one; if any of them matches, each is.
_BLOCK = 64


@frozen
class _Rules:
    """Texts that a path equals, begins with or ends with, and expressions that it matches."""

    equal: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    expressions: tuple[Node, ...] = ()

    @classmethod
    def union(cls, rules: Iterable[_Rules]) -> _Rules:
        """Unite rules: a path matches if it matches any of them."""
        parts = [(part.equal, part.prefixes, part.suffixes, part.expressions) for part in rules]
        return cls(*(tuple(chain.from_iterable(column)) for column in zip(*parts, strict=True)))

    def compile(self) -> Callable[[str], bool]:
        """Compile a function that checks whether a path matches."""
        equal, prefixes, suffixes = frozenset(self.equal), self.prefixes, self.suffixes

        def matches_text(path: str) -> bool:
            return path in equal or path.startswith(prefixes) or path.endswith(suffixes)

        if not self.expressions:
            return matches_text
        search = compile_any(self.expressions)
        return lambda path: matches_text(path) or search(path)


@frozen
class Pattern:
    """One pattern: its cleaned text, and whether it began with ``!``."""

    text: str
    exclusion: bool
    _rules: _Rules = field(repr=False, eq=False)

    @cached_property
    def matches(self) -> Callable[[str], bool]:
        """The function that matches a path, but not the directories above it."""
        return self._rules.compile()

    @property
    def prefix(self) -> str:
        """The text without a final ``/*`` or ``/**``."""
        return self.text.removesuffix("/**").removesuffix("/*")


@frozen
class _Block:
    """Some patterns of one kind in order, with their numbers; most paths match none of them."""

    patterns: tuple[tuple[int, Pattern], ...]

    @cached_property
    def _matches_any(self) -> Callable[[str], bool]:
        return _Rules.union(pattern._rules for _, pattern in self.patterns).compile()

    @cached_property
    def _numbers(self) -> frozenset[int]:
        return frozenset(number for number, _ in self.patterns)

    def matching(self, paths: Sequence[str], inherited: frozenset[int]) -> Iterator[int]:
        """Yield the numbers that are inherited, or whose pattern matches one of the paths."""
        if any(map(self._matches_any, paths)) or not self._numbers.isdisjoint(inherited):
            for number, pattern in self.patterns:
                if number in inherited or any(map(pattern.matches, paths)):
                    yield number


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

    def match_below(self, path: str, parent: frozenset[int] | None) -> tuple[bool, frozenset[int]]:
        """Match ``path``; also return the numbers of the patterns that match it.

        ``parent`` is that second value for the directory above, which saves matching it again; None
        matches every directory above.
        """
        paths = (path,) if parent is not None else (path, *_parents(path))
        inherited = parent or frozenset()
        without_mark, with_mark = (
            chain.from_iterable(block.matching(paths, inherited) for block in blocks)
            for blocks in self._blocks
        )
        # Only a later pattern of the other kind changes the result.
        numbers = tuple(_alternating(without_mark, with_mark))
        return len(numbers) % 2 == 1, inherited.union(numbers) if numbers else inherited

    @cached_property
    def _blocks(self) -> tuple[list[_Block], list[_Block]]:
        """The patterns without and with ``!``, in blocks."""
        numbered = tuple(enumerate(self.patterns))
        without_mark, with_mark = (
            tuple((number, pattern) for number, pattern in numbered if pattern.exclusion == kind)
            for kind in (False, True)
        )
        return _split(without_mark), _split(with_mark)


def _split(patterns: tuple[tuple[int, Pattern], ...]) -> list[_Block]:
    return [_Block(patterns[start : start + _BLOCK]) for start in range(0, len(patterns), _BLOCK)]


def _alternating(first: Iterator[int], second: Iterator[int]) -> Iterator[int]:
    """Yield the first number, then the next higher one of the other iterator, and so on."""
    last = -1
    for numbers in cycle((first, second)):
        following = next((number for number in numbers if number > last), None)
        if following is None:
            return
        last = following
        yield last


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
    return Pattern(cleaned, exclusion, _rules(cleaned))


def _rules(pattern: str) -> _Rules:
    """Find the rules that are matched fastest."""
    if _is_literal(pattern):
        return _Rules(equal=(pattern,))
    suffix = pattern.removeprefix("**")
    if suffix != pattern and _is_literal(suffix):
        # A leading ** matches any number of directories, including none.
        return _Rules(equal=(suffix.removeprefix("/"),), suffixes=(suffix,))
    prefix = pattern.removesuffix("**")
    if prefix != pattern and _is_literal(prefix):
        return _Rules(prefixes=(prefix,))
    try:
        return _Rules(expressions=(parse(_to_regex(pattern)),))
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
        return _compile_glob(pattern)(name)
    except InvalidValueError:
        return False


@lru_cache
def _compile_glob(pattern: str) -> Callable[[str], bool]:
    node = regexp.Sequence((Anchor.START, *_parse_glob(pattern), Anchor.END))
    return regexp.compile_node(node)


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
