"""Turn the heredocs of a RUN into the command line of its shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llb.dockerfile.parser.parser import parse_heredoc
from llb.dockerfile_rules.run import SCRIPTS
from llb.gocompat.path import join

if TYPE_CHECKING:
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.parser.parser import Heredoc


class HeredocCommand(NamedTuple):
    """A command line for the shell.

    ``body`` is the heredoc that is the whole command, None if the shell reads the heredocs
    itself. ``is_script`` is whether the line is the path at which the body is mounted.
    """

    line: str
    body: Heredoc | None = None
    is_script: bool = False


def heredoc_command(instruction: Run, *, is_windows: bool = False) -> HeredocCommand:
    """Use a single heredoc of a RUN as the command, or as a script if it begins with ``#!``."""
    (line,) = instruction.args
    body = instruction.heredocs[0]
    if parse_heredoc(line) is None:
        bodies = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in instruction.heredocs)
        return HeredocCommand(line + bodies)
    if is_windows or not body.chomped.startswith("#!"):
        return HeredocCommand(body.chomped, body)
    return HeredocCommand(join(SCRIPTS, body.name), body, is_script=True)
