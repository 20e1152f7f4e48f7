"""RUN with heredocs: the line that its shell executes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llb.dockerfile.parser.parser import parse_heredoc
from llb.dockerfile_rules.run import SCRIPTS
from llb.gocompat.path import join

if TYPE_CHECKING:
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.parser.parser import Heredoc


class HeredocCommand(NamedTuple):
    """A line for the shell.

    ``body`` is the heredoc that is the whole command, None where the shell reads heredocs
    itself. ``is_script`` is whether the line is the path that the body is mounted at.
    """

    line: str
    body: Heredoc | None = None
    is_script: bool = False


def heredoc_command(instruction: Run, *, is_windows: bool = False) -> HeredocCommand:
    """Read the heredocs of a RUN: one alone is the command, and a script if it begins with ``#!``."""
    (line,) = instruction.args
    body = instruction.heredocs[0]
    if parse_heredoc(line) is None:
        bodies = "".join(f"\n{each.content}{each.name}" for each in instruction.heredocs)
        return HeredocCommand(line + bodies)
    if is_windows or not body.chomped.startswith("#!"):
        return HeredocCommand(body.chomped, body)
    return HeredocCommand(join(SCRIPTS, body.name), body, is_script=True)
