"""The language of a Dockerfile: Docker's, optionally with added instructions and checks.

::

    APT = NewInstruction("APT", install)
    sys.exit(serve(Language([APT])))

A :class:`Language` is a value that goes through the passes with the file. There is no global
registry: the caller that parses a file chooses its language.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.dockerfile.check_rules import RULES, Rule
from llb.dockerfile.grammar import Grammar, InstructionSyntax
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.dockerfile.instructions.nodes import Origin
    from llb.dockerfile.to_llb.extension_site import Site
    from llb.dockerfile.trace import Trail


@checked_init
@frozen
class NewInstruction(InstructionSyntax):
    """An instruction that Docker's frontend does not have.

    ``name`` is in capitals; a file may write it in any case. ``convert`` is called for each
    occurrence that the target needs, with its :class:`Site`, and changes files, settings or the
    image config there.

    Quotes keep words together, and variables in them are replaced; ``least`` and ``most`` limit
    the number of words. With ``is_whole``, everything after the flags is one word as it is
    written, as in RUN. Of the flags, ``flags`` take a value, ``repeated`` take a value and may
    occur several times, ``switches`` are true or false, and ``trees`` name a stage, an image or a
    named context, as COPY's ``--from`` does. ``documents`` allows heredocs. Set ``is_step`` to
    False for an instruction that changes only settings and no files; it is not numbered then.

    Raises InvalidValueError if the name is malformed or belongs to a built-in instruction.
    """

    convert: Callable[[Site], None]


@checked_init
@frozen
class Finding:
    """A result of a check: the instruction, and the values for placeholders in the message."""

    origin: Origin
    words: Mapping[str, str] = field(factory=dict)


@checked_init
@frozen
class Check:
    """A check that Docker's frontend does not have.

    ``find`` inspects the trace of a conversion (:class:`Trail`), complete or not, and returns its
    findings. ``message`` is the warning for each of them, with placeholders in braces,
    ``description`` explains the check, and ``url`` is a page about it. Files skip the check by its
    ``name``; they must enable it if it ``is_experimental``.
    """

    name: str
    find: Callable[[Trail], Iterable[Finding]]
    message: str = field(kw_only=True)
    description: str = field(kw_only=True)
    url: str = field(default="", kw_only=True)
    is_experimental: bool = field(default=False, kw_only=True)

    @property
    def rule(self) -> Rule:
        """The check as a lint rule."""
        return Rule(self.name, self.url, self.description, self.message, self.is_experimental)


def _to_instructions(instructions: Iterable[NewInstruction]) -> tuple[NewInstruction, ...]:
    return tuple(instructions)


def _to_checks(checks: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(checks)


@checked_init
@frozen
class Language(Grammar):
    """Docker's instructions and checks, plus the added ``instructions`` and ``checks``.

    Raises InvalidValueError if two of them have the same name.
    """

    instructions: tuple[NewInstruction, ...] = field(default=(), converter=_to_instructions)
    checks: tuple[Check, ...] = field(default=(), converter=_to_checks)

    def __attrs_post_init__(self) -> None:
        _refuse_duplicates("instruction", (added.name for added in self.instructions))
        docker = (rule.name for rule in RULES)
        _refuse_duplicates("check", (*docker, *(check.name for check in self.checks)))

    @cached_property
    def handlers(self) -> Mapping[str, Callable[[Site], None]]:
        """The conversion functions of the added instructions, by name."""
        return {added.name: added.convert for added in self.instructions}

    def _added_instructions(self) -> tuple[NewInstruction, ...]:
        return self.instructions


def _refuse_duplicates(kind: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise InvalidValueError(f"{kind} {name} already exists")
        seen.add(name)


PLAIN = Language()


def language_of(grammar: Grammar) -> Language:
    """Find the language that a grammar belongs to; Docker's for a plain grammar."""
    return grammar if isinstance(grammar, Language) else PLAIN
