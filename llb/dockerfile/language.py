"""The language of a Dockerfile: that of Docker's frontend, and what others add to it.

::

    APT = NewInstruction("APT", install)
    sys.exit(serve(Language([APT])))

A :class:`Language` is a value that goes through the passes with the file. There is no registry:
who reads a file says in which language.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.dockerfile.check_rules import RULES, Rule
from llb.dockerfile.grammar import Grammar, InstructionSyntax
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.dockerfile.instructions.nodes import Origin
    from llb.dockerfile.to_llb.extension_site import Site
    from llb.dockerfile.trace import Trail


@frozen
class NewInstruction(InstructionSyntax):
    """An instruction that Docker's frontend does not have.

    ``name`` is in capitals; a file may write it in any case. ``convert`` is called for each one
    that the target needs, with its place (:class:`Site`), and changes files,
    settings or the image config there.

    Quotes keep words together, and variables in them are replaced; ``least`` and ``most`` say
    how many there may be. With ``is_whole`` all that follows the flags is one word as it is
    written, as in RUN. Of the flags, ``flags`` take a value, ``repeated`` take one and may stand
    several times, ``switches`` are true or false, and ``trees`` name a stage, an image or a
    named context, as ``--from`` of COPY does. ``documents`` allows here-documents. An
    instruction that changes no files, just settings, is no ``is_step``, and not numbered.

    Raises InvalidValueError for a name that is none, or is Docker's.
    """

    convert: Callable[[Site], None]


@frozen
class Finding:
    """What a check found: the instruction, and the words for the braces of its message."""

    origin: Origin
    words: Mapping[str, str] = field(factory=dict)


@frozen
class Check:
    """A check that Docker's frontend does not have.

    ``find`` looks at what a conversion leaves behind (:class:`Trail`), be it complete or not,
    and returns what it found. ``message`` is said of each place, with the words of the finding
    for what is in braces, ``description`` of the check itself, and ``url`` is a page about it.
    Files turn it off by its ``name``, and one that ``is_experimental`` on.
    """

    name: str
    find: Callable[[Trail], Iterable[Finding]]
    message: str = field(kw_only=True)
    description: str = field(kw_only=True)
    url: str = field(default="", kw_only=True)
    is_experimental: bool = field(default=False, kw_only=True)

    @property
    def rule(self) -> Rule:
        """The check as one of the table."""
        return Rule(self.name, self.url, self.description, self.message, self.is_experimental)


def _to_instructions(given: Iterable[NewInstruction]) -> tuple[NewInstruction, ...]:
    return tuple(given)


def _to_checks(given: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(given)


@frozen
class Language(Grammar):
    """Docker's instructions and checks, and ``instructions`` and ``checks`` beside them.

    Raises InvalidValueError where two of them have the same name.
    """

    instructions: tuple[NewInstruction, ...] = field(default=(), converter=_to_instructions)
    checks: tuple[Check, ...] = field(default=(), converter=_to_checks)

    def __attrs_post_init__(self) -> None:
        _refuse_same("instruction", (each.name for each in self.instructions))
        docker = (each.name for each in RULES)
        _refuse_same("check", (*docker, *(each.name for each in self.checks)))

    @cached_property
    def handlers(self) -> Mapping[str, Callable[[Site], None]]:
        """What the instructions that are added do, by name."""
        return {each.name: each.convert for each in self.instructions}

    def _added(self) -> tuple[NewInstruction, ...]:
        return self.instructions


def _refuse_same(what: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise InvalidValueError(f"the {what} {name} is there already")
        seen.add(name)


PLAIN = Language()


def language_of(grammar: Grammar) -> Language:
    """Return the language that a grammar belongs to; that of Docker for its grammar alone."""
    return grammar if isinstance(grammar, Language) else PLAIN
