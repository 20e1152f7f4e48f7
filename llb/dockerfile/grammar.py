"""The syntax of instructions: the names of Docker's, and the syntax of added ones.

A :class:`~llb.dockerfile.language.Language` defines what added instructions do. The parser and
the stages know only their syntax.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import Attribute, field, frozen

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# In the order in which Docker looks for a suggestion for an unknown instruction.
INSTRUCTIONS = (
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)

_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_FLAG = re.compile(r"[a-z][a-z0-9-]*\Z")


def _check_name(instance: InstructionSyntax, attribute: Attribute[str], name: str) -> None:
    del instance, attribute
    if not _NAME.match(name):
        raise InvalidValueError(
            f"invalid instruction name {name!r}",
            hint="expected capital letters, digits and _, for example APT",
        )
    if name in INSTRUCTIONS:
        raise InvalidValueError(
            f"instruction {name} already exists", hint="built-in instructions cannot be replaced"
        )


def _check_flag(
    instance: InstructionSyntax, attribute: Attribute[tuple[str, ...]], flags: tuple[str, ...]
) -> None:
    del attribute
    for flag in flags:
        if not _FLAG.match(flag):
            raise InvalidValueError(
                f"invalid flag name {flag!r} of instruction {instance.name}",
                hint="expected lower-case letters, digits and -",
            )


def _to_flags(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(flags)


@frozen
class InstructionSyntax:
    """The syntax of an instruction that Docker's frontend does not have.

    Raises InvalidValueError if the name is malformed or belongs to a built-in instruction.
    """

    name: str = field(validator=_check_name)
    least: int = field(default=1, kw_only=True)
    most: int | None = field(default=None, kw_only=True)
    flags: tuple[str, ...] = field(
        default=(), converter=_to_flags, validator=_check_flag, kw_only=True
    )
    repeated: tuple[str, ...] = field(
        default=(), converter=_to_flags, validator=_check_flag, kw_only=True
    )
    switches: tuple[str, ...] = field(
        default=(), converter=_to_flags, validator=_check_flag, kw_only=True
    )
    trees: tuple[str, ...] = field(
        default=(), converter=_to_flags, validator=_check_flag, kw_only=True
    )
    is_whole: bool = field(default=False, kw_only=True)
    documents: bool = field(default=False, kw_only=True)
    is_step: bool = field(default=True, kw_only=True)


@frozen
class Grammar:
    """The syntax of a Dockerfile: Docker's instructions and the added ones."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all instructions."""
        return (*INSTRUCTIONS, *self.added)

    @cached_property
    def added(self) -> Mapping[str, InstructionSyntax]:
        """The added instructions, by name."""
        return {syntax.name: syntax for syntax in self._added_instructions()}

    def _added_instructions(self) -> Sequence[InstructionSyntax]:
        return ()


DOCKER = Grammar()
