"""List the stages of a Dockerfile as build targets, with descriptions from their comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.dockerfile.instructions.nodes import From
from llb.dockerfile.instructions.parse import interpret

if TYPE_CHECKING:
    from llb.dockerfile.parser.parser import Parsed


@frozen
class Target:
    """A build target; ``base`` and ``platform`` are as they are written, empty if absent."""

    name: str
    description: str
    base: str
    platform: str
    is_default: bool
    lines: tuple[int, int]


def list_targets(parsed: Parsed) -> tuple[Target, ...]:
    """List the targets of a file in order; the last is the default. Raises DockerfileError."""
    froms = [instruction for instruction in interpret(parsed) if isinstance(instruction, From)]
    return tuple(
        Target(
            name=begin.name or "",
            description=describe(begin.origin.comments, begin.name or ""),
            base=begin.base,
            platform=begin.platform or "",
            is_default=begin is froms[-1],
            lines=begin.origin.lines,
        )
        for begin in froms
    )


def describe(comments: tuple[str, ...], name: str) -> str:
    """Find the description of a stage or argument in the comments above it: ``# NAME TEXT``.

    >>> describe(("of the image", "build makes it"), "build")
    'makes it'
    """
    start = f"{name} "
    descriptions = (
        comment.removeprefix(start) for comment in comments if comment.startswith(start)
    )
    return next(descriptions, "") if name else ""
