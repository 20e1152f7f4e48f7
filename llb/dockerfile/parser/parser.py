"""Parse a Dockerfile into nodes: directives, line continuations and heredocs.

A node has the name, flags and arguments of an instruction as they are written;
:mod:`llb.dockerfile.instructions.parse` interprets them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen, mutable

from llb.arguments.checked import checked
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.grammar import DOCKER, Grammar
from llb.dockerfile.parser.directives import parse_directive
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.dockerfile.shell.words import (
    WHITE,
    split_first,
    split_flags,
    split_legacy,
    split_quoted,
    split_space,
)
from llb.gocompat.utf8 import decode, encode, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.errors import Span

# In bytes; a character has at most four.
_MAX_LINE = 65535
_SURELY_SHORT = _MAX_LINE // 4
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_BOM = "\ufeff"
_HEREDOC = re.compile(r"([0-9]*)<<(-?)\s*([^<]*)\Z")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_WITH_HEREDOCS = ("add", "copy", "run")


@frozen
class Heredoc:
    """A heredoc.

    ``expand`` is whether its variables are replaced, ``chomp`` whether leading tabs of its lines
    are removed.
    """

    name: str
    expand: bool
    chomp: bool
    content: str = ""

    @property
    def chomped(self) -> str:
        """The content, without leading tabs if ``chomp`` is set."""
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


# Every instruction creates one, and a frozen class takes three times as long.
@define
class Node:
    """One instruction as it is written.

    ``original`` is the whole instruction on one line, ``args`` the words after name and flags,
    ``lines`` the first and last line number in the file. ``json`` is whether the arguments were
    a JSON array. ``comments`` are those right above it.
    """

    name: str
    original: str
    flags: tuple[str, ...]
    args: tuple[str, ...]
    json: bool
    heredocs: tuple[Heredoc, ...]
    comments: tuple[str, ...]
    lines: tuple[int, int]


@frozen
class Parsed:
    """A parsed Dockerfile: its nodes, escape character and grammar.

    ``gaps`` are the last lines of instructions that continue after an empty line.
    """

    source: errors.Source
    escape: str
    nodes: tuple[Node, ...]
    gaps: tuple[int, ...] = ()
    grammar: Grammar = DOCKER


@checked
def parse(text: bytes, filename: str, grammar: Grammar = DOCKER) -> Parsed:
    """Parse a Dockerfile into nodes. Raises DockerfileError."""
    source = errors.Source(filename, text, decode(text).removeprefix(_BOM))
    if not text:
        raise errors.empty_file(source)
    reader = _Parser(source, grammar)
    nodes = tuple(reader.nodes())
    if not nodes:
        raise errors.no_instructions(source, reader.line)
    if reader.is_cut:
        raise errors.line_too_long(source, reader.line)
    return Parsed(source, reader.escape, nodes, tuple(reader.gaps), grammar)


def parse_heredoc(word: str) -> Heredoc | None:
    """Parse a word like ``<<EOF``, which begins a heredoc; None for other words."""
    match = _HEREDOC.match(word)
    if match is None or not match[3]:
        return None
    try:
        plain = Expander(keep_unset=True).words(match[3], {})
        raw = Expander(keep_unset=True, raw_quotes=True).words(match[3], {})
    except ExpansionError:
        return None
    if len(plain) != 1:
        return None
    # If a quote was removed, part of the word was quoted, and nothing is expanded.
    quotes = [sum(word.count(quote) for quote in "'\"") for word in (plain[0], raw[0])]
    return Heredoc(plain[0], expand=quotes[0] == quotes[1], chomp=bool(match[2]))


@mutable
class _Parser:
    source: errors.Source
    grammar: Grammar
    escape: str = "\\"
    line: int = 0
    seen: tuple[str, ...] = ()
    directives_end: bool = False
    comments: list[str] = field(factory=list)
    is_cut: bool = False
    gaps: list[int] = field(factory=list)

    def nodes(self) -> Iterator[Node]:
        lines = self.lines()
        for first in lines:
            stripped = first.rstrip("\r\n").lstrip(WHITE)
            if stripped.startswith("#"):
                self.comment(stripped, first)
                continue
            self.directives_end = True
            start = self.line
            part, ends = self.strip_continuation(stripped)
            if ends and not part:
                continue
            yield self.node(part if ends else self.join(part, lines), start, lines)
            if self.comments:
                self.comments = []

    def lines(self) -> Iterator[str]:
        """Yield the lines before a too long one, which Docker reports after all other errors."""
        for line in _LINES.findall(self.source.text):
            if len(line) > _SURELY_SHORT and len(encode(line.rstrip("\n"))) > _MAX_LINE:
                self.is_cut = True
                return
            self.line += 1
            yield line

    def comment(self, line: str, written: str) -> None:
        """Handle a comment, which may be a parser directive."""
        directive = None if self.directives_end else parse_directive(line[1:])
        if directive is None:
            self.directives_end = True
            # Docker removes the first character, whether it is the sign or a space before it.
            content = written[1:].strip(WHITE)
            if content:
                self.comments.append(shown(content))
            else:
                self.comments = []
            return
        name, value = directive
        # Docker names the line before, so we do too; the excerpt shows both.
        span = self.source.span(self.line - 1, self.line)
        if name in self.seen:
            raise errors.repeated_directive(span, name)
        self.seen = (*self.seen, name)
        if name == "escape":
            if value not in ("\\", "`"):
                raise errors.bad_escape_token(span, value)
            self.escape = value

    def strip_continuation(self, line: str) -> tuple[str, bool]:
        """Remove a line continuation; return the line and whether the instruction ends with it."""
        if self.escape not in line:
            return line, True
        stripped = line.rstrip(" \t")
        if stripped == self.escape and line.startswith(self.escape):
            return "", False
        if stripped.endswith(self.escape) and not stripped[:-1].endswith(self.escape):
            return stripped[:-1], False
        return line, True

    def join(self, beginning: str, lines: Iterator[str]) -> str:
        """Join the first line of an instruction with the lines that continue it."""
        parts = [beginning]
        ends = has_gap = False
        while not ends:
            following = next(lines, None)
            if following is None:
                break
            stripped = following.rstrip("\r\n")
            if stripped.lstrip(WHITE).startswith("#"):
                continue
            if not stripped.strip(WHITE):
                has_gap = True
                continue
            part, ends = self.strip_continuation(stripped)
            parts.append(part)
        if has_gap:
            self.gaps.append(self.line)
        return "".join(parts)

    def node(self, line: str, start: int, lines: Iterator[str]) -> Node:
        where = partial(self.source.span, start, self.line)
        name, flags, args, is_json = self.split(line, where)
        heredocs: tuple[Heredoc, ...] = ()
        command = name if name.lower() != "onbuild" else split_first(args[0] if args else "")[0]
        if "<<" in line and not is_json and self.takes_heredocs(command):
            heredocs = self.heredocs(line, start, lines)
        return Node(
            name, line, flags, args, is_json, heredocs, tuple(self.comments), (start, self.line)
        )

    def split(self, line: str, where: _Where) -> tuple[str, tuple[str, ...], tuple[str, ...], bool]:
        name, arguments = split_first(line)
        flags, arguments = split_flags(arguments, self.escape)
        split = _SPLITTERS.get(name.lower())
        if split is None:
            syntax = self.grammar.added.get(name.upper())
            if syntax is None:
                return name, flags, (), False
            split = _whole if syntax.is_whole else _quoted_words
        args, is_json = split(arguments.strip(WHITE), self.escape, where)
        return name, flags, args, is_json

    def takes_heredocs(self, command: str) -> bool:
        if command.lower() in _WITH_HEREDOCS:
            return True
        syntax = self.grammar.added.get(command.upper())
        return syntax is not None and syntax.documents

    def heredocs(self, line: str, start: int, lines: Iterator[str]) -> tuple[Heredoc, ...]:
        try:
            words = Expander(raw_quotes=True, raw_escapes=True, keep_unset=True).words(line, {})
            openers = [opener for word in words if (opener := parse_heredoc(word)) is not None]
        except ExpansionError:
            # Unterminated quotes are left to the shell.
            return ()
        return tuple(self.heredoc(opener, start, lines) for opener in openers)

    def heredoc(self, opener: Heredoc, start: int, lines: Iterator[str]) -> Heredoc:
        content: list[str] = []
        for line in lines:
            stripped = line.rstrip("\r\n")
            if (stripped.lstrip("\t") if opener.chomp else stripped) == opener.name:
                return Heredoc(opener.name, opener.expand, opener.chomp, "".join(content))
            content.append(line)
        raise errors.unterminated_heredoc(self.source.span(start, self.line), opener.name)


_Split = tuple[tuple[str, ...], bool]
# Most instructions are valid, and need no span.
_Where = Callable[[], "Span"]


def _parse_json(arguments: str, where: _Where) -> tuple[str, ...] | None:
    """Parse a JSON array of strings; None if the arguments are not JSON."""
    if not arguments.startswith("["):
        return None
    try:
        values = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise errors.not_strings(where())
    return tuple(shown(value) for value in values)


def _maybe_json(arguments: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    items = _parse_json(arguments, where)
    return ((arguments,) if arguments else (), False) if items is None else (items, True)


def _maybe_json_words(arguments: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    items = _parse_json(arguments, where)
    return (split_space(arguments), False) if items is None else (items, True)


def _words(arguments: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return split_space(arguments), False


def _quoted_words(arguments: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return split_quoted(arguments, escape), False


def _whole(arguments: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return ((arguments,) if arguments else ()), False


def _word_then_json(arguments: str, escape: str, where: _Where) -> _Split:
    """Split off the first word, and parse the remaining arguments as JSON if they are."""
    if not arguments:
        return (), False
    word, arguments = split_first(arguments)
    args, is_json = _maybe_json(arguments, escape, where)
    return (word, *args), is_json


def _pairs(name: str) -> Callable[[str, str, _Where], _Split]:
    """Create the splitter of ``name=value …`` and of the legacy form ``name value``."""

    def split(arguments: str, escape: str, where: _Where) -> _Split:
        words = split_quoted(arguments, escape)
        if not words:
            return (), False
        if "=" not in words[0]:
            legacy = split_legacy(arguments)
            if legacy is None:
                raise errors.missing_value(where(), name)
            return legacy, False
        pairs: list[str] = []
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise errors.no_equals(where(), word)
            pairs += (key, value)
        return tuple(pairs), False

    return split


def _trigger(instruction: str, escape: str, where: _Where) -> _Split:
    """Keep the instruction as it is, but refuse one whose arguments cannot be parsed."""
    name, arguments = "onbuild", instruction
    # A chain is refused later; it may have thousands of links.
    while name.lower() == "onbuild":
        name, after = split_first(arguments)
        arguments = split_flags(after, escape)[1].strip(WHITE)
    split = _SPLITTERS.get(name.lower())
    is_json = split is not None and split(arguments, escape, where)[1]
    return ((instruction,) if instruction else ()), is_json


_SPLITTERS: dict[str, Callable[[str, str, _Where], _Split]] = {
    "add": _maybe_json_words,
    "arg": _quoted_words,
    "cmd": _maybe_json,
    "copy": _maybe_json_words,
    "entrypoint": _maybe_json,
    "env": _pairs("ENV"),
    "expose": _words,
    "from": _words,
    "healthcheck": _word_then_json,
    "label": _pairs("LABEL"),
    "maintainer": _whole,
    "onbuild": _trigger,
    "run": _maybe_json,
    "shell": _maybe_json,
    "stopsignal": _whole,
    "user": _whole,
    "volume": _maybe_json_words,
    "workdir": _whole,
}
