"""The command with standard streams that are full, closed, or no terminal, and with early signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.e2e.waiting import PATIENCE
from tests.http_server import http_server

if TYPE_CHECKING:
    from pathlib import Path

LLB = f"{sys.executable} -m llb"


def shell(line: str, folder: Path, address: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line with `llb` as a command."""
    return subprocess.run(
        ["bash", "-c", f'llb() {{ {LLB} "$@"; }}; {line}'],
        cwd=folder,
        env=os.environ | {"BUILDKIT_HOST": address},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["--version", "--help", "du", "history ls", "build . -o type=tar,dest=-", "build -q . -t a"],
)
def test_an_output_that_cannot_be_written_is_one_error(
    command: str, folder: Path, buildkit_host: str
) -> None:
    for target, reason in (("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")):
        process = shell(f"llb {command} >{target}", folder, buildkit_host)
        errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
        assert process.returncode == 1
        assert len(errors) == 1
        assert errors[0].endswith(f": {reason}")
        assert "Traceback" not in process.stderr


@pytest.mark.parametrize("progress", ["plain", "tty", "rawjson", "quiet"])
def test_a_build_does_not_fail_because_its_progress_cannot_be_written(
    progress: str, folder: Path, buildkit_host: str
) -> None:
    for number, target in enumerate(("2>/dev/full", "2>&-", "2> >(exit)", "<&-")):
        line = f"llb build . --progress {progress} -o out{number} {target}"
        process = shell(line, folder, buildkit_host)
        assert (process.returncode, "Traceback" in process.stderr) == (0, False)
        assert (folder / f"out{number}" / "Dockerfile").exists()


def test_a_terminal_that_is_not_utf8_gets_escapes(folder: Path, buildkit_host: str) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY für /\n")
    for encoding in ("ascii", "latin-1"):
        process = shell(f"PYTHONIOENCODING={encoding} llb build .", folder, buildkit_host)
        assert (process.returncode, "Traceback" in process.stderr) == (1, False)
        assert "error: Dockerfile:2: " in process.stderr


def test_pipes_and_urls_are_read_like_files(folder: Path, buildkit_host: str) -> None:
    (folder / "two").write_text(
        "FROM busybox\n"
        "RUN --mount=type=secret,id=a cp /run/secrets/a /one\n"
        "RUN --mount=type=secret,id=a cp /run/secrets/a /two\n"
    )
    for number, line in enumerate(
        (
            "llb build . -f /dev/stdin OPTIONS <two",
            "cat two | llb build . -f /dev/stdin OPTIONS",
            "llb build . -f <(cat two) OPTIONS",
            "llb build <(cat two) OPTIONS",
            "llb build <(tar c .) -f two OPTIONS",
        )
    ):
        options = f"-q --no-cache --secret id=a,src=<(echo {number}) -o type=tar,dest={number}.tar"
        process = shell(line.replace("OPTIONS", options), folder, buildkit_host)
        assert (process.returncode, process.stderr) == (0, "")
        with tarfile.open(folder / f"{number}.tar") as archive:
            contents = [archive.extractfile(name) for name in ("one", "two")]
            values = [content.read() for content in contents if content is not None]
        assert values == [f"{number}\n".encode()] * 2


def test_a_dockerfile_is_fetched_from_the_web(folder: Path, buildkit_host: str) -> None:
    with http_server(partial(SimpleHTTPRequestHandler, directory=str(folder))) as url:
        (folder / "other").mkdir()
        (folder / "other" / "file").touch()
        (folder / "App").write_text("FROM scratch\nCOPY file /\n")
        process = shell(f"llb build other -q -f {url}/App -o out", folder, buildkit_host)
        assert (process.returncode, sorted((folder / "out").iterdir())) == (
            0,
            [folder / "out" / "file"],
        )
        process = shell(f"llb build other -q -f {url}/none", folder, buildkit_host)
        assert process.returncode == 1
        assert "invalid response status 404" in process.stderr


# Interrupts the program when it imports a module.
INTERRUPT = """\
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == os.environ["MODULE"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize(
    ("module", "status"), [("click", -signal.SIGINT), ("llb.cli.group", -signal.SIGINT)]
)
def test_an_interrupt_while_the_program_starts_shows_no_traceback(
    module: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT)
    process = subprocess.run(
        ["env", "--default-signal=INT", sys.executable, "-m", "llb", "--help"],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "MODULE": module},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr) == (status, b"", b"")
