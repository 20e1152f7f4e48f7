"""The stages of a Dockerfile as targets that can be built, with what their comments say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.dockerfile.instructions.nodes import From
from llb.dockerfile.instructions.parse import interpret

if TYPE_CHECKING:
    from llb.dockerfile.parser.parser import Parsed


@frozen
class Target:
    """A stage: ``base`` and ``platform`` are as they are written, empty where they are absent."""

    name: str
    description: str
    base: str
    platform: str
    is_default: bool
    lines: tuple[int, int]


def list_targets(parsed: Parsed) -> tuple[Target, ...]:
    """Return the targets of a file in order; the last is the default. Raises DockerfileError."""
    begins = [each for each in interpret(parsed) if isinstance(each, From)]
    return tuple(
        Target(
            name=each.name or "",
            description=describe(each.origin.comments, each.name or ""),
            base=each.base,
            platform=each.platform or "",
            is_default=each is begins[-1],
            lines=each.origin.lines,
        )
        for each in begins
    )


def describe(comments: tuple[str, ...], name: str) -> str:
    """Return what the comments above a stage or an argument say of it: ``# NAME TEXT``.

    >>> describe(("of the image", "build makes it"), "build")
    'makes it'
    """
    start = f"{name} "
    found = (each.removeprefix(start) for each in comments if each.startswith(start))
    return next(found, "") if name else ""
