"""What a build prints cannot drive the terminal of the user."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

# The title, the screen, the clipboard, and a question whose answer becomes input of the shell.
SEQUENCES = (b"\x1b]0;", b"\x1b[2J", b"\x1b]52;", b"\x1b[6n")
PRINTED = r"\033]0;T\007\033[2J\033]52;c;eA==\007\033[6n\033[31mred\033[0m"


def run_in_terminal(command: list[str], environment: dict[str, str]) -> bytes:
    """Run a command on a terminal of its own, and return what it writes there."""
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        command, stdin=secondary, stdout=secondary, stderr=secondary, env=os.environ | environment
    ) as running:
        os.close(secondary)
        output = b""
        try:
            while data := os.read(primary, 65536):
                output += data
        except OSError:
            # The other side is closed.
            pass
        running.wait(PATIENCE)
    os.close(primary)
    return output


@pytest.mark.parametrize("progress", ["plain", "tty", "rawjson", "quiet"])
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_step_cannot_drive_the_terminal(
    progress: str, no_color: str, buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM busybox\nRUN printf '{PRINTED}\\n'; exit 3 # {uuid.uuid4()}\n"
    )
    output = run_in_terminal(
        [sys.executable, "-m", "llb", "build", str(tmp_path), "--progress", progress],
        {"BUILDKIT_HOST": buildkit_host, "NO_COLOR": no_color, "TERM": "xterm"},
    )
    assert b"exit code: 3" in output
    assert [sequence for sequence in SEQUENCES if sequence in output] == []
    assert (b"\x1b[31mred" in output) == (not no_color)
