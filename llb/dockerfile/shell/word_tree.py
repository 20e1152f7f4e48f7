"""The tree of a word: text, quotes, escapes, and variables with their operators.

A word is a sequence of parts. Plain text is a ``str``. The classes are not frozen, since a tree
lives for one expansion, and creating frozen objects takes twice as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import define

if TYPE_CHECKING:
    from collections.abc import Sequence


@define
class Heredoc:
    """The sign ``<`` or ``<<``, the latter with the spaces after it, which do not end a word."""

    text: str


@define
class Escape:
    """An escape: ``text`` is the escaped character, empty at the end of the word."""

    sign: str
    text: str


@define
class PlainEscape:
    """An escape character in double quotes, before one of the many that it does not escape."""

    sign: str


@define
class SingleQuoted:
    """Text in single quotes."""

    text: str


@define
class DoubleQuoted:
    """Parts in double quotes."""

    parts: Sequence[Part]


@define
class Variable:
    """A variable, ``$name`` or ``${name}``; ``written`` is its source in the word."""

    name: str
    written: str


@define(eq=False)
class Substitution:
    """A variable with an operator, ``${name:-word}``.

    The operands are one word, or pattern and replacement if the operator is ``/`` or ``//``.
    """

    name: str
    operator: str
    operands: Sequence[Sequence[Part]]

    @property
    def has_pattern(self) -> bool:
        """Whether the first operand is a pattern, and all operands keep their escapes."""
        return self.operator[0] in "#%/"


Part: TypeAlias = (
    "str | Heredoc | Escape | PlainEscape | SingleQuoted | DoubleQuoted | Variable | Substitution"
)


@define
class Word:
    """A word as a tree.

    ``substitutions`` are the complete ones, in the order in which they end: each comes after those
    in its operands. ``error`` is the syntax error that ends the word; errors of substitutions are
    reported first.
    """

    parts: Sequence[Part]
    substitutions: Sequence[Substitution]
    error: str | None = None


def has_substitution(part: Part) -> bool:
    """Check whether a part is a substitution, or a double-quoted part that contains one."""
    if isinstance(part, DoubleQuoted):
        return any(isinstance(inner, Substitution) for inner in part.parts)
    return isinstance(part, Substitution)
