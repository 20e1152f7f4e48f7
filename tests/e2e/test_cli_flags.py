"""docs/cli-flags.md says of every command and option of buildctl and of llb what the other has."""

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
# An option of this command alone is one of the connection.
CONNECTION = "llb dial-stdio"


@frozen
class Table:
    """A table: the commands in its header, and the words of each row with its note."""

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
            *words, said = cells(line)
            first, second, third = map(CODE.findall, words)
            rows.append((first, second, third, said))
        yield Table(theirs.strip("`"), buildx.strip("`"), ours.strip("`"), tuple(rows))


COMMANDS, *OPTIONS = tables()


def helped(buildctl: Buildctl, *arguments: str) -> dict[str, list[str]]:
    """Return the lines of the parts of a help of buildctl, by their titles."""
    done = subprocess.run(
        [buildctl.program, *arguments, "--help"], capture_output=True, text=True, check=True
    )
    parts: dict[str, list[str]] = {}
    title = ""
    for line in done.stdout.splitlines():
        if line and not line.startswith(" "):
            title = line.strip().rstrip(":")
        elif line.strip():
            parts.setdefault(title, []).append(line.strip())
    return parts


def options_of(lines: list[str]) -> set[str]:
    found = {word for line in lines for word in OPTION.findall(re.split(r"\s{2,}", line)[0])}
    return found - HELP


def commands_of(lines: list[str]) -> set[str]:
    return {re.split(r"[,\s]", line)[0] for line in lines}


def options_of_ours(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def found(words: str) -> click.Command:
    """Return the command that words name after the program's."""
    command: click.Command = cli
    for word in words.split()[1:]:
        assert isinstance(command, click.Group)
        named = command.get_command(click.Context(command), word)
        assert named is not None
        command = named
    return command


def leaves(group: click.Group, prefix: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, f"{prefix}{name} ")
        else:
            yield prefix + name


@with_connection_options
def connected() -> None:
    """Have the options of the connection and no others."""


CONNECTING = options_of_ours(click.command()(connected))


@pytest.mark.feature("P4")
def test_the_commands_of_buildctl_are_those_that_it_has(buildctl: Buildctl) -> None:
    top = commands_of(helped(buildctl)["COMMANDS"]) - {"debug"}
    below = commands_of(helped(buildctl, "debug")["COMMANDS"])
    # It is there, and hidden.
    known = {*top, *(f"debug {name}" for name in below), "dial-stdio"}
    assert sorted(COMMANDS.column(0)) == sorted(known)


def test_the_commands_of_ours_are_those_that_it_has() -> None:
    # The Dockerfile's belong to the frontend, and are one there.
    own = {name for name in leaves(cli) if not name.startswith("dockerfile ")}
    assert sorted(COMMANDS.column(2)) == sorted({*own, "dockerfile"})


@pytest.mark.feature("P4")
@pytest.mark.parametrize("table", OPTIONS, ids=lambda table: table.theirs or table.ours)
def test_the_options_of_buildctl_are_those_that_it_has(table: Table, buildctl: Buildctl) -> None:
    if not table.theirs:
        assert table.column(0) == []
        return
    _, *words = table.theirs.split()
    lines = helped(buildctl, *words).get("OPTIONS" if words else "GLOBAL OPTIONS", [])
    assert sorted(table.column(0)) == sorted(options_of(lines))


@pytest.mark.feature("P4")
@pytest.mark.parametrize("table", OPTIONS, ids=lambda table: table.ours)
def test_the_options_of_ours_are_those_that_it_has(table: Table) -> None:
    options = options_of_ours(found(table.ours))
    if table.ours != CONNECTION:
        options -= CONNECTING
    assert sorted(table.column(2)) == sorted(options)


def test_every_command_that_buildctl_has_too_has_a_table_of_its_options() -> None:
    shared = {word for theirs, _, ours, _ in COMMANDS.rows if theirs for word in ours}
    with_options = {
        f"llb {name}" for name in shared if options_of_ours(found(f"llb {name}")) - CONNECTING
    }
    assert with_options <= {table.ours for table in OPTIONS}


def test_what_is_not_there_is_explained() -> None:
    for table in (COMMANDS, *OPTIONS):
        for theirs, buildx, ours, note in table.rows:
            assert ours or note or buildx == ["--timeout"], (theirs, buildx)


@pytest.mark.feature("P12")
@pytest.mark.parametrize("name", sorted(leaves(cli)))
def test_the_help_of_every_command_has_an_example(name: str) -> None:
    command = found(f"llb {name}")
    assert command.help is not None
    assert re.search(rf"Examples?:\s(.*\n)*?.*\bllb {name}\b", command.help)


@pytest.mark.feature("P12")
def test_the_help_says_what_each_exit_status_means() -> None:
    assert cli.epilog is not None
    assert re.findall(r"\b[0-9]+\b", cli.epilog) == ["0", "1", "2", "130", "143"]
