"""The commands ``llb …`` of all pages exist, with the options that the pages show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from llb.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if path.parent.name not in {"adr", "reference"} and path.stem != "cold-start"
    ),
]
# A command of a console block, of a workflow, or in backquotes.
COMMAND = re.compile(r"(?:^\$ |^ *- (?:run: )?|`|&& |\| )(llb [a-z].*?)(?:`|$)", re.MULTILINE)
# Where the shell goes on with something else.
END = re.compile(r" (?:[|<>;#]|&&)")
COMMANDS = sorted(
    {
        END.split(command)[0]
        for page in PAGES
        for command in COMMAND.findall(page.read_text().replace("\\\n", " "))
    }
)


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 50


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_of_a_page_exists(text: str) -> None:
    # The output of other commands is one word.
    words = shlex.split(re.sub(r"\$\([^)]*\)", "X", text))[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(click.Context(command), words.pop(0))
        assert inner is not None
        command = inner
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert options <= known
