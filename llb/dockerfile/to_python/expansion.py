"""Expand words of a Dockerfile to Python strings, with some variables known only at run time.

During expansion, a placeholder character from Unicode's private use area represents a value that
is known only at run time. An operator on such a value, such as ``${X:-y}``, becomes a Python
expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.shell.expand import DOCUMENT, Evaluator, Expander, ExpansionError
from llb.dockerfile.to_python.code_layout import Interpolation, Word
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llb.dockerfile.shell.word_tree import Part, Substitution

_FIRST = 0xE000
_LAST = 0xF8FF
_PLACEHOLDER = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
# Python 3.11 does not allow these in an expression in an f-string.
_FORBIDDEN = ("\\", '"', "#", "\n")
_NOT_LITERAL = re.compile(r"[*?\\'\"$]")


@frozen
class Value:
    """The value of a variable.

    ``word`` is its code at run time, a ``str``. For a variable that may be unset, ``optional`` is
    code that evaluates to None in that case.
    """

    word: Word
    optional: str | None = None


@define
class Placeholders:
    """Placeholder characters, each of which represents an expression in a string."""

    interpolations: list[Interpolation] = field(factory=list)

    def add_placeholder(self, hole: Interpolation) -> str:
        """Allocate the placeholder of an expression."""
        if any(sequence in hole.code for sequence in _FORBIDDEN) or hole.code.count("f'") > 1:
            raise NotExpressible("a variable in another variable's modifier")
        if hole not in self.interpolations:
            self.interpolations.append(hole)
        number = _FIRST + self.interpolations.index(hole)
        if number > _LAST:
            raise NotExpressible("too many variables in one instruction")
        return chr(number)

    def encode(self, word: Word) -> str:
        """Replace the expressions of a string with placeholders."""
        return "".join(
            part if isinstance(part, str) else self.add_placeholder(part) for part in word.parts
        )

    def decode(self, encoded: str) -> Word:
        """Replace the placeholders of a string with their expressions."""
        parts: list[str | Interpolation] = []
        position = 0
        for match in _PLACEHOLDER.finditer(encoded):
            parts += [
                encoded[position : match.start()],
                self.interpolations[ord(match[0]) - _FIRST],
            ]
            position = match.end()
        return Word.of(*parts, encoded[position:])


@define
class Expansion:
    """Expand words at one position of a Dockerfile.

    ``lookup`` finds the value of a variable, or None if it is not set.
    """

    escape: str
    lookup: Callable[[str], Value | None]
    placeholders: Placeholders = field(factory=Placeholders)

    def word(self, source: str) -> Word:
        """Expand the variables of a word. Raises NotExpressible."""
        return self._expand(source, Expander(escape=self.escape))

    def document(self, source: str) -> Word:
        """Expand the variables of a heredoc. Raises NotExpressible."""
        return self._expand(source, DOCUMENT)

    def encode(self, source: str) -> str:
        """Expand a word, with a placeholder for each value unknown until run time.

        Raises NotExpressible.
        """
        return self.placeholders.encode(self.word(source))

    def words(self, source: str) -> tuple[Word, ...]:
        """Expand a word and split it at spaces, except inside values unknown until run time.

        Raises NotExpressible.
        """
        evaluator = _PythonEvaluator(Expander(escape=self.escape), self.lookup, self.placeholders)
        try:
            words = evaluator.words(source)
        except ExpansionError as error:
            raise NotExpressible(str(error)) from error
        if evaluator.has_expressions:
            # Docker loses the characters before them.
            raise NotExpressible("a variable modifier in a word that is split at spaces")
        return tuple(self.placeholders.decode(word) for word in words)

    def _expand(self, source: str, expander: Expander) -> Word:
        if has_octets(source) or _PLACEHOLDER.search(source):
            raise NotExpressible("bytes that are not UTF-8, or private use characters")
        try:
            return self.placeholders.decode(
                _PythonEvaluator(expander, self.lookup, self.placeholders).word(source)
            )
        except ExpansionError as error:
            raise NotExpressible(str(error)) from error


class _PythonEvaluator(Evaluator):
    """Evaluate words with placeholders for values that are known only at run time.

    ``has_expressions`` reports whether operators on such values became expressions.
    """

    def __init__(
        self, expander: Expander, lookup: Callable[[str], Value | None], placeholders: Placeholders
    ) -> None:
        super().__init__(expander, {})
        self.has_expressions = False
        self._lookup = lookup
        self._placeholders = placeholders
        self._values: dict[str, Value | None] = {}

    def value(self, name: str) -> str | None:
        """Look up a variable and insert placeholders; None if it is not set."""
        value = self._variable(name)
        return None if value is None else self._placeholders.encode(value.word)

    def substitute(self, substitution: Substitution, operands: Sequence[str]) -> str:
        """Apply an operator now or at run time. Raises ExpansionError and NotExpressible."""
        value = self._variable(substitution.name)
        if value is None or (value.optional is None and value.word.constant is not None):
            if substitution.has_pattern and any(map(_PLACEHOLDER.search, operands)):
                raise NotExpressible(f"a variable in {_describe(substitution)}")
            return super().substitute(substitution, operands)
        self.has_expressions = True
        return self._placeholders.encode(self._expression(value, substitution, operands))

    def _expression(
        self, value: Value, substitution: Substitution, operands: Sequence[str]
    ) -> Word:
        operator = substitution.operator
        if operator in _CHOICES:
            return _CHOICES[operator](value, self._placeholders.decode(operands[0]))
        if operator in _PATTERNS:
            code = _PATTERNS[operator](operator, *map(_literal, substitution.operands))
            if code is not None:
                return Word.of(Interpolation(f"{value.word.inner}.{code}"))
        raise NotExpressible(f"unsupported operator in {_describe(substitution)}")

    def _variable(self, name: str) -> Value | None:
        if name not in self._values:
            self._values[name] = self._lookup(name)
        return self._values[name]


def _describe(substitution: Substitution) -> str:
    return f"${{{substitution.name}{substitution.operator}…}}"


def _default(value: Value, fallback: Word) -> Word:
    if value.optional is None:
        _check_set(value, "-")
        return value.word
    return Word.of(
        Interpolation(f"{value.optional} if {value.optional} is not None else {fallback.inner}")
    )


def _default_or_empty(value: Value, fallback: Word) -> Word:
    return Word.of(Interpolation(f"{value.optional or value.word.inner} or {fallback.inner}"))


def _alternative(value: Value, alternative: Word) -> Word:
    if value.optional is None:
        _check_set(value, "+")
        return alternative
    return Word.of(Interpolation(f"{alternative.inner} if {value.optional} is not None else ''"))


def _alternative_unless_empty(value: Value, alternative: Word) -> Word:
    return Word.of(
        Interpolation(f"{alternative.inner} if {value.optional or value.word.inner} else ''")
    )


def _check_set(value: Value, operator: str) -> None:
    if "tree." in value.word.inner:
        raise NotExpressible(f"${{…{operator}…}} of a base variable that may be unset")


# Writers of the operators that choose between a value known at run time and a word.
_CHOICES: Mapping[str, Callable[[Value, Word], Word]] = {
    "-": _default,
    ":-": _default_or_empty,
    "+": _alternative,
    ":+": _alternative_unless_empty,
}


def _literal(operand: Sequence[Part]) -> str | None:
    """Join the parts of an operand, or return None if some are not plain strings."""
    literals = [part for part in operand if isinstance(part, str)]
    return "".join(literals) if len(literals) == len(operand) else None


def _trim(operator: str, pattern: str | None) -> str | None:
    """Write the call that removes a literal, or everything before or after it.

    None for other patterns.
    """
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


# Writers of the pattern operators: from an operator and its literal operands to a method call.
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
