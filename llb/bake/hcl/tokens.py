"""Tokens of HCL, read on demand: inside brackets a newline is a space."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from llb.bake.hcl.places import BakeFile, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "name"
NUMBER = "number"
NEWLINE = "newline"
QUOTE = "quote"
HEREDOC = "heredoc"
END = "end"

_SPACE = re.compile(r"(?:[ \t]|/\*.*?\*/)*", re.DOTALL)
_SPACE_AND_LINES = re.compile(r"(?:[ \t\n]|\r\n|/\*.*?\*/|(?:#|//)[^\n]*)*", re.DOTALL)
_LINE_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_TOKEN = re.compile(
    r"""(?P<name>[^\W\d][\w-]*)
    |(?P<number>[0-9](?:(?:[0-9.]|[eE][+-]?[0-9])*(?:[0-9]|[eE][+-]?[0-9]))?)
    |(?P<newline>\r?\n)
    |(?P<heredoc><<-?[^\W\d][\w-]*\r?\n)
    |(?P<quote>")
    |(?P<symbol>==|!=|>=|<=|&&|\|\||::|\.\.\.|=>|~\}|[][(){}.,*/%+=<>!?:&|~^;`'-])""",
    re.VERBOSE,
)


@frozen
class Token:
    """A token; the kind of a symbol is the symbol itself."""

    kind: str
    text: str
    place: Place

    def describe(self) -> str:
        """Say what the token is, for messages."""
        match self.kind:
            case "end":
                return "the end of the file"
            case "newline":
                return "the end of the line"
            case "quote" | "heredoc":
                return "a string"
            case _:
                return f"'{self.text}'"


class Scanner:
    """The tokens of a file from an offset on; templates move ``offset`` themselves."""

    def __init__(self, source: BakeFile, start: int = 0, end: int | None = None) -> None:
        self.source = source
        self.text = source.text
        self.offset = start
        self.end = len(self.text) if end is None else end
        # How deep the expression that is being parsed is nested.
        self.depth = 0
        self._newlines = [True]
        self._peeked: Token | None = None

    def place(self, start: int, end: int) -> Place:
        """Create a place in this file."""
        return Place(self.source, start, end)

    def peek(self) -> Token:
        """Return the next token, without consuming it. Raises BakeFileError."""
        if self._peeked is None:
            self._peeked = self._scan()
        return self._peeked

    def next(self) -> Token:
        """Consume the next token. Raises BakeFileError."""
        token = self.peek()
        self._peeked = None
        self.offset = token.place.end
        return token

    def accept(self, *kinds: str) -> Token | None:
        """Consume the next token if it is of one of these kinds."""
        return self.next() if self.peek().kind in kinds else None

    def accept_word(self, word: str) -> Token | None:
        """Consume the next token if it is this word."""
        token = self.peek()
        return self.next() if token.kind == NAME and token.text == word else None

    def expect(self, kind: str, purpose: str) -> Token:
        """Consume a token of this kind. Raises BakeFileError with the purpose."""
        token = self.peek()
        if token.kind != kind:
            raise token.place.error(f"{purpose}, but found {token.describe()}")
        return self.next()

    @contextmanager
    def lines(self, *, matter: bool) -> Iterator[None]:
        """Treat newlines as tokens, or as spaces."""
        self._newlines.append(matter)
        self._peeked = None
        try:
            yield
        finally:
            self._newlines.pop()
            self._peeked = None

    def _scan(self) -> Token:
        space = _SPACE if self._newlines[-1] else _SPACE_AND_LINES
        start = self._end_of(space, self.offset)
        if self._newlines[-1]:
            start = self._end_of(_LINE_COMMENT, start)
        if start >= self.end:
            return Token(END, "", self.place(self.end, self.end))
        match = _TOKEN.match(self.text, start, self.end)
        if match is None:
            place = self.place(start, start + 1)
            raise place.error(f"invalid character {self.text[start]!r}")
        kind = match.lastgroup or ""
        return Token(
            match[0] if kind == "symbol" else kind, match[0], self.place(start, match.end())
        )

    def _end_of(self, pattern: re.Pattern[str], start: int) -> int:
        match = pattern.match(self.text, start, self.end)
        return start if match is None else match.end()
