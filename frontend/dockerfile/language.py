"""The language of a Dockerfile: that of Docker's frontend, and what others add to it.

A :class:`Language` is a value that goes through the passes with the file. There is no registry:
who reads a file says in which language.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from frontend.dockerfile.rules import RULES
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from frontend.dockerfile.extending import Check, NewInstruction

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


def _to_instructions(given: Iterable[NewInstruction]) -> tuple[NewInstruction, ...]:
    return tuple(given)


def _to_checks(given: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(given)


@frozen
class Language:
    """Docker's instructions and checks, and ``instructions`` and ``checks`` beside them.

    Raises InvalidValueError where two of them have the same name.
    """

    instructions: tuple[NewInstruction, ...] = field(default=(), converter=_to_instructions)
    checks: tuple[Check, ...] = field(default=(), converter=_to_checks)

    def __attrs_post_init__(self) -> None:
        _refuse_same("instruction", (each.name for each in self.instructions))
        docker = (each.name for each in RULES)
        _refuse_same("check", (*docker, *(each.name for each in self.checks)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all instructions."""
        return (*INSTRUCTIONS, *self.added)

    @cached_property
    def added(self) -> dict[str, NewInstruction]:
        """The instructions that are added, by name."""
        return {each.name: each for each in self.instructions}


def _refuse_same(what: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise InvalidValueError(f"the {what} {name} is there already")
        seen.add(name)


PLAIN = Language()
