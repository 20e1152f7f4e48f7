"""Completion in real shells, on a terminal: commands, options, files, stages, targets, builds."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from components.terminal import Terminal

from llb import Image
from llb.client import Client
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = Path(sys.executable).parent
PROMPT = "ready> "
# The command that starts each shell without the user's settings, and what is typed first.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        f"PS1='{PROMPT}'; source <(llb completion bash)",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"PROMPT='{PROMPT}'; autoload -U compinit; compinit -D; source <(llb completion zsh)",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        (
            "set -g fish_autosuggestion_enabled 0; llb completion fish | source; "
            f"function fish_prompt; echo -n '{PROMPT}'; end"
        ),
    ),
}
FILES = {
    "ctx/Dockerfile": "FROM busybox AS tools\nFROM tools AS released\nRUN true\n",
    "Dockerfile": "FROM busybox AS tools\nFROM tools AS release\nRUN true\n",
    "build.py": "from llb.buildfile import target\n\n@target\ndef package(build):\n"
    "    'Pack it.'\n    raise SystemExit('it must not run')\n\n"
    "@target(name='other')\ndef _other(build): ...\n",
    "main.py": "",
    "destination/file": "",
}
LINES = {
    "llb hist": "llb history",
    "llb build --cache-f": "llb build --cache-from",
    "llb build ct": "llb build ctx/",
    "llb build -f Dock": "llb build -f Dockerfile",
    "llb build -o dest": "llb build -o destination/",
    "llb build --progress raw": "llb build --progress rawjson",
    "llb build --network ho": "llb build --network host",
    "llb build --platform linux/ri": "llb build --platform linux/riscv64",
    "llb build --target rel": "llb build --target release",
    "llb build ctx --target rel": "llb build ctx --target released",
    "llb build build.py --target pac": "llb build build.py --target package",
    "llb build -f build.py --target ot": "llb build -f build.py --target other",
    "llb graph bui": "llb graph build.py",
    "llb frontend pack ma": "llb frontend pack main.py",
    "llb completion fi": "llb completion fish",
}
CLEAR = "\x15"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "work"


@pytest.mark.feature("P11")
@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_words(
    shell: str, folder: Path, buildkit_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ref = uuid.uuid4().hex
    with Client(buildkit_host) as client:
        client.solve(Image("busybox").run("true"), ref=ref)
    command, setup = SHELLS[shell]
    environ = {
        **os.environ,
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "BUILDKIT_HOST": buildkit_host,
    }
    lines = {**LINES, f"llb history logs {ref[:12]}": f"llb history logs {ref}"}
    with Terminal(command, columns=100, lines=30, environ=environ) as terminal:
        terminal.type(f"{setup}\n")
        terminal.wait_for(shows(""), PATIENCE)
        for line, completed in lines.items():
            terminal.type(f"{line}\t")
            terminal.wait_for(shows(completed), PATIENCE)
            terminal.type(CLEAR)


def shows(line: str) -> Callable[[list[str]], bool]:
    """Make a check whether the last row is a line after the prompt."""
    expected = f"{PROMPT}{line}".rstrip()

    def check(rows: list[str]) -> bool:
        filled = [row for row in rows if row]
        return bool(filled) and filled[-1] == expected

    return check
