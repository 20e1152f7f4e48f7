"""What it takes to extend the language: new instructions and checks.

::

    APT = NewInstruction("APT", install)
    sys.exit(serve(Language([APT])))

:class:`Language` is what they make, and ``frontend.serving.serve`` turns it into a frontend. A
frontend for the plain language does without this module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import Attribute, field, frozen

from frontend.dockerfile.convert.site import Site
from frontend.dockerfile.language import INSTRUCTIONS, Language
from frontend.dockerfile.rules import Rule
from frontend.dockerfile.trail import Trail
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from frontend.dockerfile.instructions import Origin

__all__ = ["Check", "Finding", "Language", "NewInstruction", "Site", "Trail"]

_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_FLAG = re.compile(r"[a-z][a-z0-9-]*\Z")


def _check_name(instance: NewInstruction, attribute: Attribute[str], name: str) -> None:
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
    instance: NewInstruction, attribute: Attribute[tuple[str, ...]], flags: tuple[str, ...]
) -> None:
    del attribute
    for each in flags:
        if not _FLAG.match(each):
            raise InvalidValueError(
                f"no flag of {instance.name}: {each!r}", hint="small letters, digits and -"
            )


def _flags() -> tuple[str, ...]:
    return field(default=(), converter=tuple, validator=_check_flag, kw_only=True)


@frozen
class NewInstruction:
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

    name: str = field(validator=_check_name)
    convert: Callable[[Site], None]
    least: int = field(default=1, kw_only=True)
    most: int | None = field(default=None, kw_only=True)
    flags: tuple[str, ...] = _flags()
    repeated: tuple[str, ...] = _flags()
    switches: tuple[str, ...] = _flags()
    trees: tuple[str, ...] = _flags()
    is_whole: bool = field(default=False, kw_only=True)
    documents: bool = field(default=False, kw_only=True)
    is_step: bool = field(default=True, kw_only=True)


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
