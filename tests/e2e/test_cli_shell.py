"""``llb`` with other programs: shell completion, and ``dial-stdio`` for other clients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.servers import write_program
from tests.e2e.test_failures import check_error, cli
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

PROGRAMS = Path(sys.executable).parent


@pytest.mark.feature("P11")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("histo",), ["history"]),
        (("history", "in"), ["inspect"]),
        (("history", "xyz"), []),
        (("build", "--cache-f"), ["--cache-from"]),
        (("completion", "''"), ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes_partial_words(words: tuple[str, ...], completed: list[str]) -> None:
    script = (
        "source <(llb completion bash)\n"
        f"COMP_WORDS=(llb {' '.join(words)}) COMP_CWORD={len(words)}\n"
        "_llb_completion llb\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    process = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
    )
    assert process.stdout.split() == completed


@pytest.mark.feature("P11")
@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete")])
def test_other_shells_get_a_script(shell: str, word: str) -> None:
    process = cli("completion", shell)
    assert process.returncode == 0
    assert "_LLB_COMPLETE" in process.stdout
    assert word in process.stdout


def test_an_unknown_shell_is_refused() -> None:
    process = cli("completion", "tcsh")
    assert process.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in process.stderr


@pytest.mark.feature("P10")
def test_buildctl_builds_through_standard_input_and_output(
    buildctl: Buildctl, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    write_program(
        tmp_path / "bin" / "docker",
        f'test "$*" = "exec -i builder buildctl dial-stdio" || exit 9\n'
        f"exec {sys.executable} -m llb dial-stdio --addr {buildctl.address}",
    )
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY bytes /\n")
    (tmp_path / "bytes").write_bytes(content := os.urandom(3 << 20))
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", "docker-container://builder", "build"),
            *("--frontend", "dockerfile.v0", "--local", f"context={tmp_path}"),
            *("--local", f"dockerfile={tmp_path}", "--output", f"type=local,dest={tmp_path}/out"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "bytes").read_bytes() == content


@pytest.mark.feature("P10")
def test_a_connection_ends_with_its_input(buildkit_host: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "llb", "dial-stdio", "--addr", buildkit_host],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (process.returncode, process.stderr) == (0, b"")


def test_a_connection_ends_on_sigterm(buildkit_host: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "llb", "dial-stdio", "--addr", buildkit_host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        # The daemon first sends its HTTP/2 settings.
        assert process.stdout.read(3)
        process.terminate()
        assert process.wait(PATIENCE) == 143


def test_a_connection_without_a_daemon_is_an_error(tmp_path: Path) -> None:
    process = cli("dial-stdio", address=f"unix://{tmp_path}/nobody.sock")
    check_error(process, f"no BuildKit answers at unix://{tmp_path}/nobody.sock")
