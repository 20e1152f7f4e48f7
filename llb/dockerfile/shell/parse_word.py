"""Parse words into trees.

The grammar is that of the Dockerfile reference ("Environment replacement") with POSIX's
operators ``-``, ``+``, ``?``, ``#`` and ``%``, and ``/`` of bash.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.word_tree import (
    DoubleQuoted,
    Escape,
    Heredoc,
    PlainEscape,
    SingleQuoted,
    Substitution,
    Variable,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.dockerfile.shell.word_tree import Part

# Go's string for a character past the end.
_NO_CHARACTER = "\ufffd"
_NAME = re.compile(r"(?:[a-zA-Z_][a-zA-Z0-9_]*+|[0-9]++)(?![^\x00-\x7f])")
# Nearly all variables: a name, or in braces a name and perhaps an operator.
_VARIABLE = re.compile(
    r"\$(?:([a-zA-Z_][a-zA-Z0-9_]*+)(?![^\x00-\x7f])"
    r"|\{([a-zA-Z_][a-zA-Z0-9_]*+)(?:\}|(:?[-+?]|##?|%%?|//?)))"
)
_SPECIAL_NAMES = frozenset("@*#?-$!")
_HEREDOC = re.compile(r"<(?:<[\t\r ]*)?")
_OPERATOR = re.compile(r":.?|[-+?]|##?|%%?|//?", re.DOTALL)
_COLON_PATTERNS = (":#", ":%")
_NEVER_NAMES = "{}:"
_QUOTED_ESCAPES = '"$'


class _BrokenWordError(Exception):
    """The syntax error that ends a word."""


def parse_word(text: str, escape: str, *, quotes: bool) -> Word:
    """Parse a word; ``quotes`` is whether quotes have a meaning in it."""
    return _Parser(text, _grammar(escape, quotes=quotes)).parse()


def unsupported(operator: str) -> str:
    """Format the error message of an unknown operator."""
    return f"unsupported modifier ({operator}) in substitution"


@frozen
class _Grammar:
    """Plain text in a word, in double quotes, in an operand and in a pattern before ``/``.

    ``escape`` is the escape character.
    """

    escape: str
    word: re.Pattern[str]
    quoted: re.Pattern[str]
    operand: re.Pattern[str]
    pattern: re.Pattern[str]


@cache
def _grammar(escape: str, *, quotes: bool) -> _Grammar:
    special = "$" + escape + "'\"" * quotes
    plain = [
        re.compile(f"[^{re.escape(characters)}]+")
        for characters in (special + "<", '$"' + escape, special + "}", special + "/")
    ]
    return _Grammar(escape, *plain)


@define
class _Level:
    """The parts up to the character ``stop``: a quoted part, an operand, or the whole word."""

    stop: str
    plain: re.Pattern[str]
    parts: list[Part] = field(factory=list)


@define
class _Operand(_Level):
    """The current operand of a substitution, after the finished ones in ``operands``."""

    name: str = ""
    operator: str = ""
    operands: list[Sequence[Part]] = field(factory=list)

    @property
    def missing(self) -> str:
        sign = "'/' in ${}" if self.stop == "/" else "'}'"
        return f"syntax error: missing {sign}"


class _Parser:
    """Parses one word. Levels are in a list, so words may nest as deeply as in Docker."""

    def __init__(self, text: str, grammar: _Grammar) -> None:
        self.text = text
        self.grammar = grammar
        self.position = 0
        self.levels = [_Level("", grammar.word)]
        self.substitutions: list[Substitution] = []

    def parse(self) -> Word:
        """Parse the word."""
        error = None
        try:
            self._read()
        except _BrokenWordError as broken:
            error = str(broken)
        return Word(self.levels[0].parts, self.substitutions, error)

    def _read(self) -> None:
        text, length = self.text, len(self.text)
        while self.position < length:
            level = self.levels[-1]
            plain = level.plain.match(text, self.position)
            if plain is not None:
                level.parts.append(plain[0])
                self.position = plain.end()
                if self.position == length:
                    break
            self._read_special(text[self.position], level)
        if len(self.levels) > 1:
            sign = self.levels[-1].stop
            raise self._error(_unmatched("double-quote" if sign == '"' else sign))

    def _read_special(self, character: str, level: _Level) -> None:
        if character == level.stop:
            self.position += 1
            self._close(level)
        elif character == "$":
            self._read_dollar(level.parts)
        elif character == self.grammar.escape:
            level.parts.append(self._read_escape(in_quotes=level.stop == '"'))
        elif character == "'":
            level.parts.append(self._read_single_quoted())
        elif character == '"':
            self.position += 1
            self.levels.append(_Level('"', self.grammar.quoted))
        else:
            level.parts.append(Heredoc(self._match(_HEREDOC)))

    def _close(self, level: _Level) -> None:
        """Close the innermost level at its ``stop`` character."""
        if not isinstance(level, _Operand):
            self.levels.pop()
            self.levels[-1].parts.append(DoubleQuoted(level.parts))
            return
        level.operands.append(level.parts)
        if level.stop == "/":
            level.stop, level.plain, level.parts = "}", self.grammar.operand, []
            return
        if self.position >= len(self.text):
            self._check_braces(self.levels[:-1])
        self.levels.pop()
        substitution = Substitution(level.name, level.operator, level.operands)
        self.levels[-1].parts.append(substitution)
        self.substitutions.append(substitution)

    def _read_dollar(self, parts: list[Part]) -> None:
        variable = _VARIABLE.match(self.text, self.position)
        if variable is not None:
            self.position = variable.end()
            name, operator = variable[1] or variable[2], variable[3]
            if operator:
                self._open_operand(name, operator)
            else:
                parts.append(Variable(name, variable[0]))
        elif self.text.startswith("${", self.position):
            self._read_braces(parts)
        else:
            self.position += 1
            name = self._read_name()
            parts.append(Variable(name, f"${name}") if name else "$")

    def _read_braces(self, parts: list[Part]) -> None:
        start = self.position
        self.position += 2
        following = self.text[self.position : self.position + 1]
        if not following:
            raise self._error("syntax error: missing '}'")
        if following in _NEVER_NAMES:
            raise self._error("syntax error: bad substitution")
        name = self._read_name()
        if self.text.startswith("}", self.position):
            self.position += 1
            parts.append(Variable(name, self.text[start : self.position]))
        else:
            self._open_operand(name, self._read_operator())

    def _read_operator(self) -> str:
        match = _OPERATOR.match(self.text, self.position)
        operator = self.text[self.position : self.position + 1] if match is None else match[0]
        self.position += len(operator)
        if match is None or operator in _COLON_PATTERNS:
            raise self._error(unsupported(operator or _NO_CHARACTER))
        return operator

    def _open_operand(self, name: str, operator: str) -> None:
        if operator[0] == "/":
            self.levels.append(_Operand("/", self.grammar.pattern, [], name, operator))
        else:
            self.levels.append(_Operand("}", self.grammar.operand, [], name, operator))

    def _read_name(self) -> str:
        """Read a name: letters, digits and ``_``, or digits alone, or one special character."""
        match = _NAME.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
            return match[0]
        first = self.text[self.position : self.position + 1]
        if first in _SPECIAL_NAMES:
            self.position += 1
            return first
        start = self.position
        only_digits = first.isdecimal()
        while self.position < len(self.text):
            character = self.text[self.position]
            is_letter = character.isalpha() or character == "_"
            if not (character.isdecimal() or (is_letter and not only_digits)):
                break
            self.position += 1
        return self.text[start : self.position]

    def _read_escape(self, *, in_quotes: bool) -> Escape | PlainEscape:
        escape = self.grammar.escape
        following = self.text[self.position + 1 : self.position + 2]
        self.position += 1
        if in_quotes and following and following not in _QUOTED_ESCAPES + escape:
            return PlainEscape(escape)
        self.position += len(following)
        return Escape(escape, following)

    def _read_single_quoted(self) -> SingleQuoted:
        start = self.position + 1
        end = self.text.find("'", start)
        if end < 0:
            self.position = len(self.text)
            raise self._error(_unmatched("single-quote"))
        self.position = end + 1
        return SingleQuoted(self.text[start:end])

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        assert match is not None
        self.position = match.end()
        return match[0]

    def _error(self, reason: str) -> _BrokenWordError:
        """Create a syntax error; at the end of the word it is the outermost missing brace."""
        if self.position >= len(self.text):
            self._check_braces(self.levels)
        return _BrokenWordError(reason)

    @staticmethod
    def _check_braces(levels: list[_Level]) -> None:
        """Raise _BrokenWordError if one of the levels, which are unclosed, has a brace."""
        for level in levels:
            if isinstance(level, _Operand):
                raise _BrokenWordError(level.missing)


def _unmatched(sign: str) -> str:
    return f"unexpected end of statement while looking for matching {sign}"
