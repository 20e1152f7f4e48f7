"""The parts of a parsed template."""

from __future__ import annotations

from typing import TypeAlias

from attrs import field, frozen


@frozen
class Text:
    """Text that is printed as it is."""

    text: str


@frozen
class Literal:
    """A string, number, boolean or nil."""

    value: str | int | float | bool | None


@frozen
class Chain:
    """Fields of the dot (``.A.B``), of a variable (``$x.A``) or of a pipeline (``(f).A``)."""

    fields: tuple[str, ...]
    variable: str | None = None
    pipeline: Pipeline | None = None


@frozen
class Function:
    """The name of a function."""

    name: str


Operand: TypeAlias = Literal | Chain | Function


@frozen
class Pipeline:
    """Commands, each with its operands, whose value is the last argument of the next one.

    ``variables`` receive the value; ``declares`` tells a declaration from an assignment.
    """

    commands: tuple[tuple[Operand, ...], ...]
    variables: tuple[str, ...] = ()
    declares: bool = True


@frozen
class Action:
    """A pipeline whose value is printed, unless variables receive it."""

    pipeline: Pipeline


@frozen
class Block:
    """``if``, ``range`` or ``with``: a pipeline, its body, and what is printed otherwise."""

    keyword: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = field(default=())


@frozen
class Jump:
    """``break`` or ``continue`` of a ``range``."""

    keyword: str


Node: TypeAlias = Text | Action | Block | Jump
