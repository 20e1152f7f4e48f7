"""Name the steps for progress displays: ``[stage 2/5] RUN make``."""

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
    """Numbers the steps of a stage; ``label`` is empty if it is the only stage.

    ``prefix`` precedes the instruction. ``platform`` is set in builds for several platforms, and
    precedes the label.
    """

    label: str
    total: int
    count: int = 0
    prefix: str = ""
    platform: Platform | None = None

    def next(self, instruction: str, env: Mapping[str, str] = _NOTHING) -> str:
        """Prefix an instruction with the next number.

        ``env`` may specify that the step builds for a platform other than its own.
        """
        if self.total == 0:
            return instruction
        self.count += 1
        width = int(1 + math.log10(self.total))
        label = f"{self.label} " if self.label else ""
        if self.platform is not None:
            label = f"{self.platform}{_cross_suffix(self.platform, env)} {label}"
        return f"[{label}{self.count:>{width}}/{self.total}] {self.prefix}{instruction}"

    def again(self, instruction: str, env: Mapping[str, str]) -> str:
        """Prefix another part of the last step with the same number."""
        self.count -= 1
        return self.next(instruction, env)


def _cross_suffix(base: Platform, env: Mapping[str, str]) -> str:
    """Format the target platform of a cross build; empty if it is not one."""
    target = _target_platform(base, env)
    if target is None or (target.os, target.architecture) == (base.os, base.architecture):
        return ""
    if target.os != base.os:
        return f"->{target}"
    return "->" + "/".join(part for part in (target.architecture, target.variant) if part)


def _target_platform(base: Platform, env: Mapping[str, str]) -> Platform | None:
    with suppress(InvalidValueError):
        return Platform.parse(env.get("TARGETPLATFORM", ""))
    if not any(key in env for key in ("TARGETOS", "TARGETARCH", "TARGETVARIANT")):
        return None
    return Platform(
        env.get("TARGETOS") or base.os,
        env.get("TARGETARCH") or base.architecture,
        env.get("TARGETVARIANT") or None,
    ).normalize()


def describe_command(origin: Origin) -> dict[str, str]:
    """Describe a step by the code of its instruction, for tools."""
    return {COMMAND: shown(origin.code)}


def expand_code(code: str, expander: Expander, env: Mapping[str, str]) -> str:
    """Replace the variables in an instruction's code, and put its name in capitals."""
    try:
        expanded = expander.word(code, env)
    except ExpansionError:
        expanded = shown(code)
    name, space, arguments = expanded.partition(" ")
    return f"{name.upper()}{space}{arguments}"
