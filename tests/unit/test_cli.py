"""``llb``: commands, help, exit statuses and interrupts."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from llb.cli import cli
from llb.client import Client
from tests.fakes.command import llb

if TYPE_CHECKING:
    from pathlib import Path


def test_the_version_is_that_of_the_package() -> None:
    assert llb("--version").stdout == f"llb, version {version('pyllb')}\n"


def test_every_command_has_a_help() -> None:
    names = cli.list_commands(None)  # type: ignore[arg-type]
    assert {"build", "convert", "dockerfile", "history"} < set(names)
    for name in names:
        ran = llb(name, "--help")
        assert (ran.status, ran.stdout.partition("\n")[0].partition("[")[0]) == (
            0,
            f"Usage: llb {name} ",
        )


def test_an_unknown_command_is_refused() -> None:
    ran = llb("buld")
    assert ran.status == 2
    assert ran.stderr.splitlines()[3].startswith("Error: No such command 'buld'.")


def test_an_error_is_shown_and_sets_the_exit_status(tmp_path: Path) -> None:
    ran = llb("dump", tmp_path / "none.pb")
    assert (ran.status, ran.stdout) == (1, "")
    assert ran.stderr == f"error: no such file: {tmp_path}/none.pb\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_each_shell(shell: str) -> None:
    ran = llb("completion", shell)
    assert ran.status == 0
    assert "_LLB_COMPLETE" in ran.stdout


def raising(error: BaseException) -> object:
    def ping(*_: object, **__: object) -> float:
        raise error

    return ping


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyboardInterrupt(), 130, "\nerror: interrupted\n"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_an_interrupt_or_a_closed_pipe_ends_the_command(
    error: BaseException, status: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "__init__", raising(error))
    ran = llb("ping", "--addr", "tcp://a:1")
    assert (ran.status, ran.stderr) == (status, text)


@pytest.mark.parametrize("group", ["", "daemon", "debug", "dockerfile", "frontend", "history"])
def test_the_first_sentence_of_each_command_fits_its_line(group: str) -> None:
    # The options come first, then the commands, in one section or in several.
    _, _, commands = llb(*group.split(), "--help").stdout.partition("Options:\n")
    assert commands
    assert "..." not in commands
