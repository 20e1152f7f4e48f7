r"""Templates: strings and heredocs with ``${…}`` and ``%{…}``.

A template is first split into pieces: literals, interpolations and directives. ``~`` removes the
space next to a piece, ``<<-`` the indentation. Then the directives are nested.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from attrs import define, evolve, field, frozen

from llb.bake.hcl.nodes import (
    Conditional,
    Expression,
    For,
    Joined,
    Literal,
    Template,
    Wrapped,
)
from llb.bake.hcl.string_literals import unescape_plain, unescape_quoted
from llb.bake.hcl.tokens import NAME, Scanner, Token
from llb.bake.values.value import string
from llb.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.bake.hcl.places import Place

_DIRECTIVES = ("if", "else", "endif", "for", "endfor")
_QUOTED_TEXT = re.compile(r'(?:\\[^\n]|\$\$\{|%%\{|[$%](?!\{)|[^"\\$%\n\r])*')
_PLAIN_TEXT = re.compile(r"(?:\$\$\{|%%\{|[$%](?!\{)|[^$%\n])*\n?")


class ParseExpression(Protocol):
    """The parser of expressions, which is passed in: it needs templates itself."""

    def __call__(self, scanner: Scanner) -> Expression:
        """Parse an expression."""


@define
class _Text:
    text: str
    place: Place


@frozen
class _Interpolation:
    expression: Expression
    place: Place


@frozen
class _Directive:
    word: str
    place: Place
    expression: Expression | None = None
    names: tuple[str | None, str] = (None, "")


_Piece = _Text | _Interpolation | _Directive


def parse_quoted(scanner: Scanner, parse: ParseExpression) -> Expression:
    """Parse a quoted template from its opening quote. Raises BakeFileError."""
    opening = scanner.next()
    pieces = _Splitter(scanner, parse, opening, _QUOTED_TEXT).split()
    scanner.offset += 1
    return _assembled(pieces, scanner.place(opening.place.start, scanner.offset))


def parse_heredoc(scanner: Scanner, parse: ParseExpression) -> Expression:
    """Parse a heredoc from its ``<<MARKER`` to the last line. Raises BakeFileError."""
    opening = scanner.next()
    marker = opening.text.strip().lstrip("<").removeprefix("-")
    splitter = _Splitter(scanner, parse, opening, _PLAIN_TEXT, marker)
    pieces = splitter.split()
    if opening.text.startswith("<<-"):
        _remove_indentation(pieces)
    return _assembled(pieces, scanner.place(opening.place.start, scanner.offset))


def parse_bare(scanner: Scanner, parse: ParseExpression) -> Expression:
    """Parse a template that reaches to the end of the scanner's text. Raises BakeFileError."""
    start = scanner.offset
    opening = Token("template", "", scanner.place(start, start))
    pieces = _Splitter(scanner, parse, opening, _PLAIN_TEXT).split()
    return _assembled(pieces, scanner.place(start, scanner.end))


@define
class _Splitter:
    """Splits the text after ``opening`` into pieces, and leaves the scanner at its end."""

    scanner: Scanner
    parse: ParseExpression
    opening: Token
    literal: re.Pattern[str]
    marker: str | None = None
    pieces: list[_Piece] = field(factory=list)
    trims: bool = False

    def split(self) -> list[_Piece]:
        line_starts = self.marker is not None
        while not self._at_end(line_starts=line_starts):
            scanner = self.scanner
            if scanner.text.startswith(("${", "%{"), scanner.offset):
                self._sequence()
                line_starts = False
            else:
                line_starts = self._text()
        return self.pieces

    def _at_end(self, *, line_starts: bool) -> bool:
        scanner = self.scanner
        if self.marker is not None:
            if line_starts:
                line_end = scanner.text.find("\n", scanner.offset, scanner.end)
                line_end = scanner.end if line_end < 0 else line_end
                if scanner.text[scanner.offset : line_end].strip() == self.marker:
                    scanner.offset = line_end
                    return True
        elif self.opening.kind == "template":
            return scanner.offset >= scanner.end
        elif scanner.text.startswith('"', scanner.offset):
            return True
        if scanner.offset >= scanner.end:
            raise self._unterminated()
        return False

    def _unterminated(self) -> Exception:
        if self.marker is not None:
            return self.opening.place.error(f"the heredoc has no line '{self.marker}' at its end")
        return self.opening.place.error("the string has no closing quote")

    def _text(self) -> bool:
        """Add a literal; return whether it ends a line."""
        scanner = self.scanner
        match = self.literal.match(scanner.text, scanner.offset, scanner.end)
        raw = "" if match is None else match[0]
        if not raw:
            if self.opening.kind == "quote":
                raise self.opening.place.error(
                    "the string has no closing quote on its line", "use a heredoc for several lines"
                )
            raise self._unterminated()
        place = scanner.place(scanner.offset, scanner.offset + len(raw))
        quoted = self.opening.kind == "quote"
        text = unescape_quoted(raw, place) if quoted else unescape_plain(raw)
        self.pieces.append(_Text(text.lstrip() if self.trims else text, place))
        self.trims = False
        scanner.offset += len(raw)
        return raw.endswith("\n")

    def _sequence(self) -> None:
        scanner = self.scanner
        start = scanner.offset
        scanner.offset += 2
        if scanner.text.startswith("~", scanner.offset):
            scanner.offset += 1
            if self.pieces and isinstance(self.pieces[-1], _Text):
                self.pieces[-1].text = self.pieces[-1].text.rstrip()
        opening = scanner.place(start, scanner.offset)
        with scanner.lines(matter=False):
            piece = self._piece(opening)
            closing = scanner.peek()
            if closing.kind not in {"}", "~}"}:
                raise _not_closed(opening, closing)
            scanner.next()
        self.trims = closing.kind == "~}"
        self.pieces.append(evolve(piece, place=opening.to(closing.place)))

    def _piece(self, opening: Place) -> _Interpolation | _Directive:
        if opening.text.startswith("$"):
            return _Interpolation(self.parse(self.scanner), opening)
        word = self.scanner.expect(NAME, "'if', 'for' or another directive is expected")
        match word.text:
            case "if":
                return _Directive("if", opening, self.parse(self.scanner))
            case "for":
                return self._loop(opening)
            case "else" | "endif" | "endfor":
                return _Directive(word.text, opening)
            case _:
                hint = did_you_mean(word.text, _DIRECTIVES)
                raise word.place.error(f"invalid directive '{word.text}' in a template", hint)

    def _loop(self, opening: Place) -> _Directive:
        names = parse_loop_names(self.scanner)
        return _Directive("for", opening, self.parse(self.scanner), names)


def parse_loop_names(scanner: Scanner) -> tuple[str | None, str]:
    """Parse ``key, value in`` of a loop; the key is optional. Raises BakeFileError."""
    purpose = "a loop needs the name of a variable after 'for'"
    first = scanner.expect(NAME, purpose).text
    key, value = None, first
    if scanner.accept(","):
        key, value = first, scanner.expect(NAME, purpose).text
    if scanner.accept_word("in") is None:
        found = scanner.peek()
        raise found.place.error(
            f"a loop needs 'in' after its variables, but found {found.describe()}"
        )
    return key, value


def _not_closed(opening: Place, found: Token) -> Exception:
    return found.place.error(
        f"'{opening.text}' in a template is not closed: expected '}}', but found {found.describe()}",
        f"write '{opening.text[0]}{opening.text}' if it is meant for another language",
    )


def _remove_indentation(pieces: Sequence[_Piece]) -> None:
    """Remove the indentation that all lines share from the text at their beginnings."""
    shared: int | None = None
    beginnings = []
    starts_line = True
    for piece in pieces:
        if starts_line:
            spaces = 0
            if isinstance(piece, _Text):
                indented = piece.text.lstrip()
                blank = not indented and piece.text.endswith("\n")
                spaces = len(piece.text) - len(indented)
                if not blank:
                    beginnings.append(piece)
                else:
                    spaces = -1
            if spaces >= 0:
                shared = spaces if shared is None else min(shared, spaces)
        starts_line = isinstance(piece, _Text) and piece.text.endswith("\n")
    for text in beginnings:
        text.text = text.text[shared or 0 :]


def _assembled(pieces: Sequence[_Piece], place: Place) -> Expression:
    if len(pieces) == 1 and isinstance(pieces[0], _Interpolation):
        return Wrapped(pieces[0].expression, place=place)
    nested, rest = _nested(list(_melded(pieces)), None)
    assert not rest
    return Template(tuple(nested) or (Literal(string(""), place=place),), place=place)


def _melded(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Join neighbouring literals."""
    melded: list[_Piece] = []
    for piece in pieces:
        last = melded[-1] if melded else None
        if isinstance(piece, _Text) and isinstance(last, _Text):
            melded[-1] = _Text(last.text + piece.text, last.place.to(piece.place))
        else:
            melded.append(piece)
    return melded


def _nested(
    pieces: list[_Piece], opening: _Directive | None
) -> tuple[list[Expression], list[_Piece]]:
    """Nest pieces up to the directive that ends ``opening``; return the rest from there on."""
    result: list[Expression] = []
    while pieces:
        piece = pieces.pop(0)
        match piece:
            case _Text():
                result.append(Literal(string(piece.text), place=piece.place))
            case _Interpolation():
                result.append(piece.expression)
            case _Directive(word="if"):
                expression, pieces = _conditional(piece, pieces)
                result.append(expression)
            case _Directive(word="for"):
                expression, pieces = _loop(piece, pieces)
                result.append(expression)
            case _:
                if opening is None:
                    raise piece.place.error(f"'{piece.word}' has no beginning in this template")
                return result, [piece, *pieces]
    if opening is not None:
        raise opening.place.error(f"'{opening.word}' has no 'end{opening.word}' in this template")
    return result, []


def _conditional(opening: _Directive, pieces: list[_Piece]) -> tuple[Expression, list[_Piece]]:
    positive, pieces = _nested(pieces, opening)
    negative: list[Expression] = []
    if _word(pieces[0]) == "else":
        negative, pieces = _nested(pieces[1:], opening)
    closing = _closed(opening, pieces[0])
    assert opening.expression is not None
    return (
        Conditional(
            opening.expression,
            _template(positive, opening.place),
            _template(negative, closing),
            place=opening.place.to(closing),
        ),
        pieces[1:],
    )


def _loop(opening: _Directive, pieces: list[_Piece]) -> tuple[Expression, list[_Piece]]:
    content, pieces = _nested(pieces, opening)
    place = opening.place.to(_closed(opening, pieces[0]))
    key, value = opening.names
    assert opening.expression is not None
    body = _template(content, opening.place)
    loop = For(key, value, opening.expression, None, body, None, groups=False, place=place)
    return Joined(loop, place=place), pieces[1:]


def _word(piece: _Piece) -> str:
    return piece.word if isinstance(piece, _Directive) else ""


def _closed(opening: _Directive, piece: _Piece) -> Place:
    if _word(piece) != f"end{opening.word}":
        raise piece.place.error(
            f"'{_word(piece)}' is unexpected: '{opening.word}' at {opening.place} is not closed"
        )
    return piece.place


def _template(pieces: Sequence[Expression], place: Place) -> Expression:
    if not pieces:
        return Template((Literal(string(""), place=place),), place=place)
    return Template(tuple(pieces), place=pieces[0].place.to(pieces[-1].place))
