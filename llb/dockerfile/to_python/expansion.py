"""Expand words of a Dockerfile while the values of variables are unknown, as Python strings.

A value that is known at run time only stands in the text as one character of Unicode's private
use area. An operator on such a value, as in ``${X:-y}``, becomes a Python expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.expand import DOCUMENT, Evaluator, Expander, ExpansionError
from llb.dockerfile.to_python.code_layout import Hole, Word
from llb.dockerfile.to_python.refusal import Refusal
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llb.dockerfile.shell.word_tree import Part, Substitution

_FIRST = 0xE000
_LAST = 0xF8FF
_MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
# Python 3.11 does not allow these in an expression in an f-string.
_NEVER = ("\\", '"', "#", "\n")
_NOT_LITERAL = re.compile(r"[*?\\'\"$]")


@frozen
class Value:
    """The value of a variable.

    ``code`` gives it at run time, as a ``str``; ``maybe`` is the code of one that may be None,
    for a variable that may be unset.
    """

    word: Word
    maybe: str | None = None


@define
class Marks:
    """The expressions that stand in a text as one character each."""

    holes: list[Hole] = field(factory=list)

    def mark(self, hole: Hole) -> str:
        """Return the character that stands for an expression."""
        if any(each in hole.code for each in _NEVER) or hole.code.count("f'") > 1:
            raise Refusal("a variable in the words of another variable's modifier")
        if hole not in self.holes:
            self.holes.append(hole)
        number = _FIRST + self.holes.index(hole)
        if number > _LAST:
            raise Refusal("too many variables in one instruction")
        return chr(number)

    def marked(self, word: Word) -> str:
        """Return a text with its expressions as characters."""
        return "".join(part if isinstance(part, str) else self.mark(part) for part in word.parts)

    def word(self, text: str) -> Word:
        """Return the text that characters stand in."""
        parts: list[str | Hole] = []
        place = 0
        for found in _MARKS.finditer(text):
            parts += [text[place : found.start()], self.holes[ord(found[0]) - _FIRST]]
            place = found.end()
        return Word.of(*parts, text[place:])


@define
class Expansion:
    """Expands words at one place of a file.

    ``lookup`` returns the value of a variable, None if it is not set.
    """

    escape: str
    lookup: Callable[[str], Value | None]
    marks: Marks = field(factory=Marks)

    def word(self, text: str) -> Word:
        """Return a word with its variables replaced. Raises Refusal."""
        return self._expanded(text, Expander(escape=self.escape))

    def document(self, text: str) -> Word:
        """Return a heredoc with its variables replaced. Raises Refusal."""
        return self._expanded(text, DOCUMENT)

    def marked(self, text: str) -> str:
        """Return a word with a character for each unknown value. Raises Refusal."""
        return self.marks.marked(self.word(text))

    def words(self, text: str) -> tuple[Word, ...]:
        """Expand a word and split it at spaces, but not inside of unknown values.

        Raises Refusal.
        """
        evaluator = _PythonEvaluator(Expander(escape=self.escape), self.lookup, self.marks)
        try:
            words = evaluator.words(text)
        except ExpansionError as error:
            raise Refusal(str(error)) from error
        if evaluator.has_expressions:
            # Docker loses what stands before them.
            raise Refusal("modifiers in words that are split")
        return tuple(self.marks.word(word) for word in words)

    def _expanded(self, text: str, expander: Expander) -> Word:
        if has_octets(text) or _MARKS.search(text):
            raise Refusal("it has bytes that are no text")
        try:
            return self.marks.word(_PythonEvaluator(expander, self.lookup, self.marks).word(text))
        except ExpansionError as error:
            raise Refusal(str(error)) from error


class _PythonEvaluator(Evaluator):
    """Evaluates words with marks for the values that are known at run time only.

    ``has_expressions`` is whether operators on such values became expressions.
    """

    def __init__(
        self, expander: Expander, lookup: Callable[[str], Value | None], marks: Marks
    ) -> None:
        super().__init__(expander, {})
        self.has_expressions = False
        self._lookup = lookup
        self._marks = marks
        self._values: dict[str, Value | None] = {}

    def value(self, name: str) -> str | None:
        """Return the value of a variable with marks, None if it is not set."""
        value = self._variable(name)
        return None if value is None else self._marks.marked(value.word)

    def substitute(self, substitution: Substitution, operands: Sequence[str]) -> str:
        """Apply an operator now, or at run time. Raises ExpansionError and Refusal."""
        value = self._variable(substitution.name)
        if value is None or (value.maybe is None and value.word.constant is not None):
            if substitution.is_pattern and any(map(_MARKS.search, operands)):
                raise Refusal(f"a variable in {_shown(substitution)}")
            return super().substitute(substitution, operands)
        self.has_expressions = True
        return self._marks.marked(self._expression(value, substitution, operands))

    def _expression(
        self, value: Value, substitution: Substitution, operands: Sequence[str]
    ) -> Word:
        operator = substitution.operator
        if operator in _CHOICES:
            return _CHOICES[operator](value, self._marks.word(operands[0]))
        if operator in _PATTERNS:
            code = _PATTERNS[operator](operator, *map(_literal, substitution.operands))
            if code is not None:
                return Word.of(Hole(f"{value.word.inner}.{code}"))
        raise Refusal(f"the operator of {_shown(substitution)}")

    def _variable(self, name: str) -> Value | None:
        if name not in self._values:
            self._values[name] = self._lookup(name)
        return self._values[name]


def _shown(substitution: Substitution) -> str:
    return f"${{{substitution.name}{substitution.operator}…}}"


def _default(value: Value, other: Word) -> Word:
    if value.maybe is None:
        _check_set(value, "-")
        return value.word
    return Word.of(Hole(f"{value.maybe} if {value.maybe} is not None else {other.inner}"))


def _default_or_empty(value: Value, other: Word) -> Word:
    return Word.of(Hole(f"{value.maybe or value.word.inner} or {other.inner}"))


def _alternative(value: Value, other: Word) -> Word:
    if value.maybe is None:
        _check_set(value, "+")
        return other
    return Word.of(Hole(f"{other.inner} if {value.maybe} is not None else ''"))


def _alternative_unless_empty(value: Value, other: Word) -> Word:
    return Word.of(Hole(f"{other.inner} if {value.maybe or value.word.inner} else ''"))


def _check_set(value: Value, operator: str) -> None:
    if "tree." in value.word.inner:
        raise Refusal(f"a variable of the base that may be unset: ${{…{operator}…}}")


# Functions of a value that is known at run time and a word.
_CHOICES: Mapping[str, Callable[[Value, Word], Word]] = {
    "-": _default,
    ":-": _default_or_empty,
    "+": _alternative,
    ":+": _alternative_unless_empty,
}


def _literal(operand: Sequence[Part]) -> str | None:
    """Return an operand of plain text, None for any other."""
    texts = [part for part in operand if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(operand) else None


def _trim(operator: str, pattern: str | None) -> str | None:
    """Return the call that removes a literal, or all up to or from it, None for other patterns."""
    if not pattern:
        return None
    literal, shape = pattern, ""
    if pattern.endswith("*"):
        literal, shape = pattern[:-1], "…*"
    elif pattern.startswith("*"):
        literal, shape = pattern[1:], "*…"
    method = _TRIMS.get(operator + shape)
    if method is None or not literal or _NOT_LITERAL.search(literal):
        return None
    return method.format(repr(literal))


def _replace(operator: str, pattern: str | None, replacement: str | None) -> str | None:
    if not pattern or replacement is None or _NOT_LITERAL.search(pattern + replacement):
        return None
    count = ", 1" if operator == "/" else ""
    return f"replace({pattern!r}, {replacement!r}{count})"


# Functions of the operator and its literal operands; they return the call of a method.
_PATTERNS: Mapping[str, Callable[..., str | None]] = {
    **dict.fromkeys(("#", "##", "%", "%%"), _trim),
    **dict.fromkeys(("/", "//"), _replace),
}
_TRIMS = {
    "#": "removeprefix({})",
    "##": "removeprefix({})",
    "%": "removesuffix({})",
    "%%": "removesuffix({})",
    "%…*": "rsplit({}, 1)[0]",
    "%%…*": "split({}, 1)[0]",
    "#*…": "split({}, 1)[-1]",
    "##*…": "rsplit({}, 1)[-1]",
}
