"""Expand variables in words: ``$name``, ``${name…}``, quotes and escapes, as in a shell.

``parse_word`` turns a word into a tree, and an ``Evaluator`` turns the tree into a string. Nearly
all words have no variable or are simple, and skip the tree.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.globs import GlobError
from llb.dockerfile.shell.operators import OPERATORS, RequiredVariableError
from llb.dockerfile.shell.parse_word import parse_word, unsupported
from llb.dockerfile.shell.word_tree import (
    DoubleQuoted,
    Escape,
    PlainEscape,
    SingleQuoted,
    Substitution,
    Variable,
    has_substitution,
)
from llb.dockerfile.shell.words import WHITE
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from llb.dockerfile.shell.word_tree import Part, Word

    _Substituted: TypeAlias = dict[Substitution, str]

_BOM = "\ufeff"
_LETTERS = "[a-zA-Z_][a-zA-Z0-9_]*+"
_LONE_DOLLAR = r"\$(?![a-zA-Z0-9_{@*#?$!-]|[^\x00-\x7f])"
_QUOTED = """'[^']*+'|"[^"]*+\""""
_NOTHING = "(?!)"
_SPACE = re.compile(f"[{WHITE}]+")
# No message with a longer value can be sent, and thirty lines can double one to gigabytes.
_LONGEST = 16 * 2**20
# As long may be what replacements make of a value, if all of it matches.
_LONGEST_REPLACED = 2**30


class ExpansionError(Exception):
    """A word that cannot be expanded; the message is the reason, ``word`` the whole word."""

    word = ""


@frozen
class Expander:
    """Expands words with the same options.

    ``escape`` is the escape character of the file. ``raw_quotes`` and ``raw_escapes`` keep quotes
    and escapes in the result, ``keep_unset`` leaves unset variables as they are written, and
    ``quotes`` is whether quotes have a meaning.
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False
    quotes: bool = True

    def word(self, text: str, env: Mapping[str, str]) -> str:
        """Replace the variables of a word. Raises ExpansionError."""
        # Nearly all words take one of these short cuts; a tree takes two to eight times as long.
        patterns = _patterns(self.escape, self.quotes)
        if patterns.special.search(text) is None:
            return shown(text)
        if patterns.simple.match(text) is not None:
            return self._expand_simple(shown(text), env, patterns)
        return Evaluator(self, env).word(text)

    def words(self, text: str, env: Mapping[str, str]) -> tuple[str, ...]:
        """Expand a word and split it at spaces outside quotes. Raises ExpansionError."""
        if "<" not in text and _patterns(self.escape, self.quotes).special.search(text) is None:
            return tuple([word for word in _SPACE.split(shown(text)) if word])
        return Evaluator(self, env).words(text)

    def _expand_simple(self, text: str, env: Mapping[str, str], patterns: _Patterns) -> str:
        """Expand a simple word without a tree."""
        size = 0

        def variable(match: re.Match[str]) -> str:
            nonlocal size
            value = env.get(match[1] or match[2])
            if value is None and self.keep_unset:
                return match[0]
            operator = match[3]
            result = value or "" if operator is None else OPERATORS[operator](value, match[4])
            size += len(result)
            if size > _LONGEST:
                raise _too_long(text)
            return result

        def part(match: re.Match[str]) -> str:
            quoted, escaped = match[5], match[6]
            if escaped is not None:
                return match[0] if self.raw_escapes else escaped
            if quoted is None:
                return variable(match)
            if quoted[0] == '"' and "$" in quoted:
                quoted = patterns.variable.sub(variable, quoted)
            return quoted if self.raw_quotes else quoted[1:-1]

        return patterns.part.sub(part, text)


# The content of a heredoc: quotes have no meaning there, and the escape is always a backslash.
DOCUMENT = Expander(quotes=False)


@frozen
class _Patterns:
    """Regular expressions for special characters, for simple words, and for their parts.

    A ``simple`` word has variables, quotes around text and variables, escapes outside quotes,
    and defaults that are plain text. The groups of ``part`` are: a name; or a name in braces, an
    operator and a word; or a quoted string; or an escaped character.
    """

    special: re.Pattern[str]
    simple: re.Pattern[str]
    variable: re.Pattern[str]
    part: re.Pattern[str]


@cache
def _patterns(escape: str, quotes: bool) -> _Patterns:  # noqa: FBT001 - a key of the cache
    means = f"${_BOM}{re.escape(escape)}"
    plain = f"[^{means}{_quotes(quotes=quotes)}]"
    braced = rf"\{{({_LETTERS})(?:(:?[-+])([^}}{means}'\"]*+))?\}}"
    variable = rf"\$(?:({_LETTERS})(?![^\x00-\x7f])|{braced})"
    escaped = rf"{re.escape(escape)}(.)"
    # Python 3.11 fails on capturing groups inside a possessive repetition.
    uncaught = re.sub(r"\((?!\?)", "(?:", variable) + f"|{_LONE_DOLLAR}"
    words = [f"{plain}++", uncaught, rf"{re.escape(escape)}."]
    if quotes:
        words += ["'[^']*+'", f'"(?:[^{means}"]++|{uncaught})*+"']
    return _Patterns(
        special=re.compile(f"[{means}{_quotes(quotes=quotes)}]"),
        simple=re.compile(f"(?:{'|'.join(words)})*+\\Z", re.DOTALL),
        variable=re.compile(variable),
        part=re.compile(f"{variable}|({_QUOTED if quotes else _NOTHING})|{escaped}", re.DOTALL),
    )


def _quotes(*, quotes: bool) -> str:
    return "'\"" if quotes else ""


@define
class _Words:
    """Joins strings to words and splits them at spaces."""

    words: list[str] = field(factory=list)
    current: list[str] = field(factory=list)

    def add(self, text: str) -> None:
        first, *following = _SPACE.split(text)
        self.add_raw(first)
        for part in following:
            self.end()
            self.add_raw(part)

    def add_raw(self, text: str) -> None:
        # Empty quotes alone do not make a word.
        if text:
            self.current.append(text)

    def end(self) -> None:
        if self.current:
            self.words.append("".join(self.current))
            self.current = []

    def all(self) -> tuple[str, ...]:
        self.end()
        return tuple(self.words)


def _join(values: Sequence[str]) -> str:
    """Join expanded parts. Raises ExpansionError."""
    if sum(map(len, values)) > _LONGEST:
        raise _too_long()
    return "".join(values)


def _too_long(word: str = "") -> ExpansionError:
    error = ExpansionError(f"its value has more than {_LONGEST} characters")
    error.word = word
    return error


class Evaluator:
    """Evaluates the trees of words, with the variables of ``env``.

    It visits substitutions in the order in which they end, as Docker does, so that the same error
    comes first, and without recursion. A subclass may override ``value`` and ``substitute``.
    """

    def __init__(self, expander: Expander, env: Mapping[str, str]) -> None:
        self._expander = expander
        self._env = env

    def word(self, text: str) -> str:
        """Replace the variables of a word. Raises ExpansionError."""
        return _join(self._evaluate(text)[1])

    def words(self, text: str) -> tuple[str, ...]:
        """Expand a word and split it at spaces outside quotes. Raises ExpansionError."""
        words = _Words()
        for part, value in zip(*self._evaluate(text), strict=True):
            if has_substitution(part):
                # Docker's frontend loses the part of the word before a substitution.
                words.current = []
            if isinstance(part, (str, Variable, Substitution)):
                words.add(value)
            else:
                words.add_raw(value)
        return words.all()

    def value(self, name: str) -> str | None:
        """Look up a variable; None if it is not set."""
        return self._env.get(name)

    def substitute(self, substitution: Substitution, operands: Sequence[str]) -> str:
        """Apply the operator of a substitution. Raises ExpansionError."""
        name, operator = substitution.name, substitution.operator
        value = self.value(name)
        if value is None and self._expander.keep_unset:
            # Docker writes one slash here for two.
            sign = "/" if operator == "//" else operator
            return f"${{{name}{sign}{'/'.join(operands)}}}"
        if operator not in OPERATORS:
            raise ExpansionError(unsupported(operator))
        if operator == "//" and len(value or "") * len(operands[-1]) > _LONGEST_REPLACED:
            raise _too_long()
        try:
            return OPERATORS[operator](value, *operands)
        except RequiredVariableError as error:
            raise ExpansionError(f"{name}: {error}") from error
        except GlobError as error:
            raise ExpansionError(str(error)) from error

    def _evaluate(self, text: str) -> tuple[Sequence[Part], list[str]]:
        """Parse a word; return its parts and the expanded string of each."""
        expander = self._expander
        try:
            source = shown(text).removeprefix(_BOM)
            word = parse_word(source, expander.escape, quotes=expander.quotes)
            return word.parts, self._expand_word(word)
        except ExpansionError as error:
            error.word = text
            raise

    def _expand_word(self, word: Word) -> list[str]:
        """Apply the substitutions of a word, and expand its parts."""
        substituted: _Substituted = {}
        for substitution in word.substitutions:
            raw = substitution.has_pattern
            operands = [
                _join(
                    self._expand_parts(
                        operand, substituted, raw_escapes=raw, is_pattern=raw and number == 0
                    )
                )
                for number, operand in enumerate(substitution.operands)
            ]
            substituted[substitution] = self.substitute(substitution, operands)
        if word.error is not None:
            raise ExpansionError(word.error)
        raw = self._expander.raw_escapes
        return self._expand_parts(word.parts, substituted, raw_escapes=raw, is_pattern=False)

    def _expand_parts(
        self,
        parts: Sequence[Part],
        substituted: _Substituted,
        *,
        raw_escapes: bool,
        is_pattern: bool,
    ) -> list[str]:
        """Expand each of the parts.

        Text in quotes has no escapes, but a pattern does, so there an escape character in quotes
        is doubled.
        """
        expander = self._expander
        values: list[str] = []
        for part in parts:
            if isinstance(part, str):
                values.append(part)
            elif isinstance(part, Variable):
                value = self.value(part.name)
                unset = part.written if expander.keep_unset else ""
                values.append(unset if value is None else value)
            elif isinstance(part, DoubleQuoted):
                inner = self._expand_parts(
                    part.parts, substituted, raw_escapes=raw_escapes, is_pattern=is_pattern
                )
                content = _join(inner)
                values.append(f'"{content}"' if expander.raw_quotes else content)
            elif isinstance(part, Substitution):
                values.append(substituted[part])
            elif isinstance(part, Escape):
                values.append(part.sign + part.text if raw_escapes else part.text)
            elif isinstance(part, PlainEscape):
                is_doubled = raw_escapes and (is_pattern or not expander.raw_quotes)
                values.append(part.sign * 2 if is_doubled else part.sign)
            elif isinstance(part, SingleQuoted):
                content = part.text
                if is_pattern:
                    content = content.replace(expander.escape, expander.escape * 2)
                values.append(f"'{content}'" if expander.raw_quotes else content)
            else:
                values.append(part.text)
        return values
