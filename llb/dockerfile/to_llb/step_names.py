"""The names of steps as a progress display shows them: ``[stage 2/5] RUN make``."""

from __future__ import annotations

import math
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define

from llb import Platform
from llb.dockerfile.shell.expand import ExpansionError
from llb.errors import InvalidValueError
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.dockerfile.instructions.nodes import Origin
    from llb.dockerfile.shell.expand import Expander

_NOTHING: Mapping[str, str] = MappingProxyType({})
COMMAND = "com.docker.dockerfile.v1.command"


@define
class Numbering:
    """Numbers the steps of a stage; ``label`` is empty where it is the only stage.

    ``prefix`` stands before what a step does, and ``platform``, where there are several,
    before everything.
    """

    label: str
    total: int
    count: int = 0
    prefix: str = ""
    platform: Platform | None = None

    def next(self, text: str, env: Mapping[str, str] = _NOTHING) -> str:
        """Return ``text`` with the next number in front.

        ``env`` may tell that the step builds for another platform than its own.
        """
        if self.total == 0:
            return text
        self.count += 1
        width = int(1 + math.log10(self.total))
        label = f"{self.label} " if self.label else ""
        if self.platform is not None:
            label = f"{self.platform}{_cross(self.platform, env)} {label}"
        return f"[{label}{self.count:>{width}}/{self.total}] {self.prefix}{text}"

    def again(self, text: str, env: Mapping[str, str]) -> str:
        """Return ``text`` with the number of the last step, of which it is another part."""
        self.count -= 1
        return self.next(text, env)


def _cross(base: Platform, env: Mapping[str, str]) -> str:
    """Return the platform that variables name, as far as it is another one."""
    target = _target(base, env)
    if target is None or (target.os, target.architecture) == (base.os, base.architecture):
        return ""
    if target.os != base.os:
        return f"->{target}"
    return "->" + "/".join(part for part in (target.architecture, target.variant) if part)


def _target(base: Platform, env: Mapping[str, str]) -> Platform | None:
    with suppress(InvalidValueError):
        return Platform.parse(env.get("TARGETPLATFORM", ""))
    if not any(key in env for key in ("TARGETOS", "TARGETARCH", "TARGETVARIANT")):
        return None
    return Platform(
        env.get("TARGETOS") or base.os,
        env.get("TARGETARCH") or base.architecture,
        env.get("TARGETVARIANT") or None,
    ).normalize()


def described(origin: Origin) -> dict[str, str]:
    """Return the text of an instruction as tools find it at its steps."""
    return {COMMAND: shown(origin.code)}


def expanded_code(code: str, expander: Expander, env: Mapping[str, str]) -> str:
    """Return an instruction's text with its variables replaced and its name in capitals."""
    try:
        text = expander.word(code, env)
    except ExpansionError:
        text = shown(code)
    name, space, rest = text.partition(" ")
    return f"{name.upper()}{space}{rest}"
