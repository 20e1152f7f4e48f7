"""How instructions are written: the names of Docker's, and the syntax of those that are added.

What an instruction does is said by a :class:`~llb.dockerfile.language.Language`. The parser and
the stages know the syntax alone.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import Attribute, field, frozen

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# In the order in which Docker looks for one that is near to a word that is none.
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
            f"no name of an instruction: {name!r}", hint="capitals, digits and _, as in APT"
        )
    if name in INSTRUCTIONS:
        raise InvalidValueError(
            f"the instruction {name} is there already", hint="those of Docker cannot be replaced"
        )


def _check_flag(
    instance: InstructionSyntax, attribute: Attribute[tuple[str, ...]], flags: tuple[str, ...]
) -> None:
    del attribute
    for each in flags:
        if not _FLAG.match(each):
            raise InvalidValueError(
                f"no flag of {instance.name}: {each!r}", hint="small letters, digits and -"
            )


def _to_flags(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(flags)


@frozen
class InstructionSyntax:
    """How an instruction that Docker's frontend does not have is written.

    Raises InvalidValueError for a name that is none, or is Docker's.
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
    """Docker's instructions, and those that are added to them, as they are written."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all instructions."""
        return (*INSTRUCTIONS, *self.added)

    @cached_property
    def added(self) -> Mapping[str, InstructionSyntax]:
        """The instructions that are added, by name."""
        return {each.name: each for each in self._added()}

    def _added(self) -> Sequence[InstructionSyntax]:
        return ()


DOCKER = Grammar()
