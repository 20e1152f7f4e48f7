"""docs/cli-flags.md lists every command and option of buildctl next to its counterpart in llb."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from attrs import frozen

from llb.cli import cli
from llb.cli.connection_options import with_connection_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Buildctl

PAGE = Path(__file__).parents[2] / "docs" / "cli-flags.md"
CODE = re.compile(r"`([^`]+)`")
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
HELP = {"--help", "-h"}
# The only options of this command are those of the connection.
CONNECTION_ONLY = "llb dial-stdio"


@frozen
class Table:
    """A table of the page: the commands in its header, and the words and the note of each row."""

    theirs: str
    buildx: str
    ours: str
    rows: tuple[tuple[list[str], list[str], list[str], str], ...]

    def column(self, number: int) -> list[str]:
        return [word for row in self.rows for word in row[number]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def tables() -> Iterator[Table]:
    for block in PAGE.read_text().split("\n\n"):
        if not block.startswith("|"):
            continue
        header, _, *lines = block.splitlines()
        theirs, buildx, ours, note = cells(header)
        assert note == "Note"
        rows = []
        for line in lines:
            *words, remark = cells(line)
            first, second, third = map(CODE.findall, words)
            rows.append((first, second, third, remark))
        yield Table(theirs.strip("`"), buildx.strip("`"), ours.strip("`"), tuple(rows))


COMMANDS, *OPTIONS = tables()


def read_help(buildctl: Buildctl, *arguments: str) -> dict[str, list[str]]:
    """Split the help of a buildctl command into sections: lines by title."""
    process = subprocess.run(
        [buildctl.program, *arguments, "--help"], capture_output=True, text=True, check=True
    )
    sections: dict[str, list[str]] = {}
    title = ""
    for line in process.stdout.splitlines():
        if line and not line.startswith(" "):
            title = line.strip().rstrip(":")
        elif line.strip():
            sections.setdefault(title, []).append(line.strip())
    return sections


def parse_options(lines: list[str]) -> set[str]:
    options = {word for line in lines for word in OPTION.findall(re.split(r"\s{2,}", line)[0])}
    return options - HELP


def parse_commands(lines: list[str]) -> set[str]:
    return {re.split(r"[,\s]", line)[0] for line in lines}


def click_options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def find_command(words: str) -> click.Command:
    """Find the click command for a command line such as ``llb debug get``."""
    command: click.Command = cli
    for word in words.split()[1:]:
        assert isinstance(command, click.Group)
        subcommand = command.get_command(click.Context(command), word)
        assert subcommand is not None
        command = subcommand
    return command


def leaf_commands(group: click.Group, prefix: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaf_commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name


@with_connection_options
def connection_command() -> None:
    """Take the options of the connection and no others."""


CONNECTION_OPTIONS = click_options(click.command()(connection_command))


@pytest.mark.feature("P4")
def test_the_page_lists_all_commands_of_buildctl(buildctl: Buildctl) -> None:
    top = parse_commands(read_help(buildctl)["COMMANDS"]) - {"debug"}
    below = parse_commands(read_help(buildctl, "debug")["COMMANDS"])
    # This command exists but is hidden.
    commands = {*top, *(f"debug {name}" for name in below), "dial-stdio"}
    assert sorted(COMMANDS.column(0)) == sorted(commands)


def test_the_page_lists_all_commands_of_llb() -> None:
    # The page lists the subcommands of `llb dockerfile` as one command.
    names = {name for name in leaf_commands(cli) if not name.startswith("dockerfile ")}
    assert sorted(COMMANDS.column(2)) == sorted({*names, "dockerfile"})


@pytest.mark.feature("P4")
@pytest.mark.parametrize("table", OPTIONS, ids=lambda table: table.theirs or table.ours)
def test_the_page_lists_all_options_of_buildctl(table: Table, buildctl: Buildctl) -> None:
    if not table.theirs:
        assert table.column(0) == []
        return
    _, *words = table.theirs.split()
    lines = read_help(buildctl, *words).get("OPTIONS" if words else "GLOBAL OPTIONS", [])
    assert sorted(table.column(0)) == sorted(parse_options(lines))


@pytest.mark.feature("P4")
@pytest.mark.parametrize("table", OPTIONS, ids=lambda table: table.ours)
def test_the_page_lists_all_options_of_llb(table: Table) -> None:
    options = click_options(find_command(table.ours))
    if table.ours != CONNECTION_ONLY:
        options -= CONNECTION_OPTIONS
    assert sorted(table.column(2)) == sorted(options)


def test_every_command_shared_with_buildctl_has_a_table_of_options() -> None:
    shared = {word for theirs, _, ours, _ in COMMANDS.rows if theirs for word in ours}
    with_options = {
        f"llb {name}"
        for name in shared
        if click_options(find_command(f"llb {name}")) - CONNECTION_OPTIONS
    }
    assert with_options <= {table.ours for table in OPTIONS}


def test_a_missing_option_is_explained() -> None:
    for table in (COMMANDS, *OPTIONS):
        for theirs, buildx, ours, note in table.rows:
            assert ours or note or buildx == ["--timeout"], (theirs, buildx)


@pytest.mark.feature("P12")
@pytest.mark.parametrize("name", sorted(leaf_commands(cli)))
def test_the_help_of_every_command_has_an_example(name: str) -> None:
    command = find_command(f"llb {name}")
    assert command.help is not None
    assert re.search(rf"Examples?:\s(.*\n)*?.*\bllb {name}\b", command.help)


@pytest.mark.feature("P12")
def test_the_help_explains_each_exit_status() -> None:
    assert cli.epilog is not None
    assert re.findall(r"\b[0-9]+\b", cli.epilog) == ["0", "1", "2", "129", "130", "143"]
