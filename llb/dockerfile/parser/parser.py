"""The text of a Dockerfile into instructions: directives, continuations, here-documents.

What comes out is what the lines say: a name, flags and arguments. What they mean is
for :mod:`llb.dockerfile.instructions.nodes`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen, mutable

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

# In bytes, of which a character has at most four.
_MAX_LINE = 65535
_SURELY_SHORT = _MAX_LINE // 4
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_BOM = "\ufeff"
_HEREDOC = re.compile(r"([0-9]*)<<(-?)\s*([^<]*)\Z")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_WITH_HEREDOCS = ("add", "copy", "run")


@frozen
class Heredoc:
    """A here-document.

    ``expand`` is whether its variables are replaced, ``chomp`` whether tabs in front of
    its lines are left out.
    """

    name: str
    expand: bool
    chomp: bool
    content: str = ""

    @property
    def chomped(self) -> str:
        """The content, without the tabs that are not wanted."""
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


# There is one for each instruction, and a frozen class takes three times as long.
@define
class Node:
    """One instruction as it is written.

    ``original`` is the whole of it on one line, ``rest`` what comes after name and
    flags, ``lines`` the first and last line in the file. ``json`` is whether the
    arguments were a JSON array.
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
    """A Dockerfile as instructions, with its escape character and its grammar.

    ``gaps`` are the last lines of the instructions that go on over an empty line.
    """

    source: errors.Source
    escape: str
    nodes: tuple[Node, ...]
    gaps: tuple[int, ...] = ()
    grammar: Grammar = DOCKER


def parse(text: bytes, filename: str, grammar: Grammar = DOCKER) -> Parsed:
    """Return the instructions of a Dockerfile. Raises DockerfileError."""
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
    """Return the here-document that a word like ``<<EOF`` begins, or None."""
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
    # With a quote that is gone, some of the word was quoted, and nothing is expanded.
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
            text, ends = self.continued(stripped)
            if ends and not text:
                continue
            yield self.node(text if ends else self.join(text, lines), start, lines)
            if self.comments:
                self.comments = []

    def lines(self) -> Iterator[str]:
        """Return the lines up to one that is too long, which Docker refuses after all others."""
        for line in _LINES.findall(self.source.text):
            if len(line) > _SURELY_SHORT and len(encode(line.rstrip("\n"))) > _MAX_LINE:
                self.is_cut = True
                return
            self.line += 1
            yield line

    def comment(self, line: str, written: str) -> None:
        """Take note of a comment, which may be a parser directive."""
        directive = None if self.directives_end else parse_directive(line[1:])
        if directive is None:
            self.directives_end = True
            # Docker takes the first character away, be it the sign or the space before it.
            text = written[1:].strip(WHITE)
            if text:
                self.comments.append(shown(text))
            else:
                self.comments = []
            return
        name, value = directive
        # Docker names the line before, and so do we; the excerpt shows both.
        span = self.source.span(self.line - 1, self.line)
        if name in self.seen:
            raise errors.repeated_directive(span, name)
        self.seen = (*self.seen, name)
        if name == "escape":
            if value not in ("\\", "`"):
                raise errors.bad_escape_token(span, value)
            self.escape = value

    def continued(self, line: str) -> tuple[str, bool]:
        """Return a line without an escape at its end, and whether it ends there."""
        if self.escape not in line:
            return line, True
        text = line.rstrip(" \t")
        if text == self.escape and line.startswith(self.escape):
            return "", False
        if text.endswith(self.escape) and not text[:-1].endswith(self.escape):
            return text[:-1], False
        return line, True

    def join(self, text: str, lines: Iterator[str]) -> str:
        """Return an instruction with the lines that continue it."""
        parts = [text]
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
            part, ends = self.continued(stripped)
            parts.append(part)
        if has_gap:
            self.gaps.append(self.line)
        return "".join(parts)

    def node(self, line: str, start: int, lines: Iterator[str]) -> Node:
        where = partial(self.source.span, start, self.line)
        name, flags, args, is_json = self.split(line, where)
        heredocs: tuple[Heredoc, ...] = ()
        command = name if name.lower() != "onbuild" else split_first(args[0] if args else "")[0]
        if "<<" in line and not is_json and self.takes_documents(command):
            heredocs = self.heredocs(line, start, lines)
        return Node(
            name, line, flags, args, is_json, heredocs, tuple(self.comments), (start, self.line)
        )

    def split(self, line: str, where: _Where) -> tuple[str, tuple[str, ...], tuple[str, ...], bool]:
        name, rest = split_first(line)
        flags, rest = split_flags(rest, self.escape)
        split = _SPLITTERS.get(name.lower())
        if split is None:
            kind = self.grammar.added.get(name.upper())
            if kind is None:
                return name, flags, (), False
            split = _whole if kind.is_whole else _quoted_words
        args, is_json = split(rest.strip(WHITE), self.escape, where)
        return name, flags, args, is_json

    def takes_documents(self, command: str) -> bool:
        if command.lower() in _WITH_HEREDOCS:
            return True
        kind = self.grammar.added.get(command.upper())
        return kind is not None and kind.documents

    def heredocs(self, line: str, start: int, lines: Iterator[str]) -> tuple[Heredoc, ...]:
        try:
            words = Expander(raw_quotes=True, raw_escapes=True, keep_unset=True).words(line, {})
            found = [each for word in words if (each := parse_heredoc(word)) is not None]
        except ExpansionError:
            # Quotes that do not end are the shell's matter.
            return ()
        return tuple(self.heredoc(each, start, lines) for each in found)

    def heredoc(self, begun: Heredoc, start: int, lines: Iterator[str]) -> Heredoc:
        content: list[str] = []
        for line in lines:
            text = line.rstrip("\r\n")
            if (text.lstrip("\t") if begun.chomp else text) == begun.name:
                return Heredoc(begun.name, begun.expand, begun.chomp, "".join(content))
            content.append(line)
        raise errors.unterminated_heredoc(self.source.span(start, self.line), begun.name)


_Split = tuple[tuple[str, ...], bool]
# Most instructions are right, and need no place.
_Where = Callable[[], "Span"]


def _json(rest: str, where: _Where) -> tuple[str, ...] | None:
    """Return the strings of a JSON array, or None where it is none."""
    if not rest.startswith("["):
        return None
    try:
        values = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise errors.not_strings(where())
    return tuple(shown(value) for value in values)


def _maybe_json(rest: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    found = _json(rest, where)
    return ((rest,) if rest else (), False) if found is None else (found, True)


def _maybe_json_words(rest: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    found = _json(rest, where)
    return (split_space(rest), False) if found is None else (found, True)


def _words(rest: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return split_space(rest), False


def _quoted_words(rest: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return split_quoted(rest, escape), False


def _whole(rest: str, escape: str, where: _Where) -> _Split:  # noqa: ARG001
    return ((rest,) if rest else ()), False


def _typed(rest: str, escape: str, where: _Where) -> _Split:
    """Return a word and then what may be JSON."""
    if not rest:
        return (), False
    word, rest = split_first(rest)
    args, is_json = _maybe_json(rest, escape, where)
    return (word, *args), is_json


def _pairs(name: str) -> Callable[[str, str, _Where], _Split]:
    """Return the splitter of ``name=value …``, or of the old form ``name value``."""

    def split(rest: str, escape: str, where: _Where) -> _Split:
        words = split_quoted(rest, escape)
        if not words:
            return (), False
        if "=" not in words[0]:
            legacy = split_legacy(rest)
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


def _trigger(rest: str, escape: str, where: _Where) -> _Split:
    """Return the instruction as it is; one that does not parse is refused already here."""
    name, after = split_first(rest)
    _, arguments = split_flags(after, escape)
    split = _SPLITTERS.get(name.lower())
    is_json = split is not None and split(arguments.strip(WHITE), escape, where)[1]
    return ((rest,) if rest else ()), is_json


_SPLITTERS: dict[str, Callable[[str, str, _Where], _Split]] = {
    "add": _maybe_json_words,
    "arg": _quoted_words,
    "cmd": _maybe_json,
    "copy": _maybe_json_words,
    "entrypoint": _maybe_json,
    "env": _pairs("ENV"),
    "expose": _words,
    "from": _words,
    "healthcheck": _typed,
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
