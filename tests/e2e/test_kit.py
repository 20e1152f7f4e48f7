"""``llb frontend``: run a frontend from its checkout, pack it, and try it in place of another."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb.client import Client, local
from llb.errors import InputError
from llb.frontend.kit import load, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

LLB = Path(sys.executable).with_name("llb")
PROGRAM = """\
import sys

from words import greeting

from llb import Scratch
from llb.gateway import Result, serve


def build(request, gateway):
    print("building", request.options["filename"])
    text = f"{greeting} {request.options.get('build-arg:name')}"
    return Result(gateway.solve(Scratch().mkfile("/greeting", text).marshal()))


if __name__ == "__main__":
    sys.exit(serve(build))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A frontend with a sibling module."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "main.py").write_text(PROGRAM)
    (folder / "words.py").write_text("greeting = 'hello'\n")
    return folder / "main.py"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context whose syntax line names a missing frontend."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("# syntax=example.com/no/such:frontend\nGREET\n")
    return folder


def llb(buildkit_host: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LLB, "frontend", *words],
        env={"BUILDKIT_HOST": buildkit_host, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_frontend_runs_from_its_checkout(
    program: Path, context: Path, buildkit_host: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = llb(buildkit_host, "run", program, context, "--build-arg", "name=you", "-o", out)
    assert (process.returncode, process.stdout) == (0, "building Dockerfile\n"), process.stderr
    assert (out / "greeting").read_text() == "hello you"


def test_an_exception_of_a_frontend_is_short(
    program: Path, context: Path, buildkit_host: str
) -> None:
    program.write_text(
        PROGRAM.replace(
            "def build(request, gateway):\n", "def build(request, gateway):\n    1 + request\n"
        )
    )
    process = llb(buildkit_host, "run", program, context, "--progress", "quiet")
    assert process.returncode == 1
    *lines, error = process.stderr.splitlines()
    assert re.match(r"error: main\.py:\d+: TypeError: unsupported operand", error)
    assert lines[0].startswith('  File "main.py", line ')
    assert any(line.endswith("     1 + request") for line in lines)
    assert not any(name in process.stderr for name in ("Traceback", "CancelledError"))


@pytest.mark.parametrize("on", [[], ["--on"]])
def test_try_replaces_the_frontend_of_the_syntax_line(
    on: list[str], program: Path, context: Path, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    base = [*on, frontend] if on else []
    process = llb(
        buildkit_host, "try", program, context, *base, "--build-arg", "name=me", "-o", out
    )
    assert process.returncode == 0, process.stderr
    assert (out / "greeting").read_text() == "hello me"


def test_a_frontend_is_packed_pushed_and_tried_as_an_image(
    program: Path, context: Path, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    name = f"{frontend.partition('/')[0]}/test/{tmp_path.name}"
    pack_process = llb(buildkit_host, "pack", program, "-t", name, "--push")
    assert pack_process.returncode == 0, pack_process.stderr
    *_, duration_line, digest_line = pack_process.stderr.splitlines()
    assert duration_line.startswith("packed in ")
    assert digest_line.startswith(f"{name} is sha256:")
    out = tmp_path / "out"
    process = llb(buildkit_host, "try", name, context, "-o", out)
    assert process.returncode == 0, process.stderr
    assert (out / "greeting").read_text() == "hello None"


def test_a_packed_image_contains_only_required_packages(
    program: Path, buildkit_host: str, tmp_path: Path
) -> None:
    with Client(buildkit_host) as client:
        packed = pack(program, resolver=client)
        client.solve(packed.state, local_dirs=packed.local_dirs, exports=[local(tmp_path / "out")])
    packages = {path.name for path in (tmp_path / "out" / "opt" / "pyllb").iterdir()}
    assert packages == {"attr", "attrs", "google", "hpack", "llb"}
    package = tmp_path / "out" / "opt" / "pyllb" / "llb"
    assert not {path.name for path in package.iterdir()} & {"client", "cli", "testing"}
    assert not (package / "frontend" / "kit").exists()


@pytest.mark.timeout(900)
def test_two_daemons_pack_the_same_image(
    program: Path, buildkit_host: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    digests = []
    for number, address in enumerate((buildkit_host, start_buildkitd().address)):
        process = llb(address, "pack", program, "-t", f"localhost/test:{number}")
        assert process.returncode == 0, process.stderr
        digests.append(process.stderr.split()[-1])
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "main.py does not serve a frontend"),
        ("import sys\nsys.exit(3)\n", "main.py exits with status 3 without serving a frontend"),
    ],
)
def test_a_program_that_serves_nothing_is_named(source: str, message: str, program: Path) -> None:
    program.write_text(source)
    with pytest.raises(InputError) as caught:
        load(program)
    assert caught.value.message.endswith(message)


def test_a_missing_program_is_named(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    for subcommand in ("run", "try"):
        process = llb(buildkit_host, subcommand, tmp_path / "no.py", tmp_path)
        assert process.returncode == 1
        assert f"error: no such program: {tmp_path}/no.py" in process.stderr.splitlines()
