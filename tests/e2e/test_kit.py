"""``llb frontend``: frontends are run from their checkout, packed, and tried in place of others."""

from __future__ import annotations

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
    """A frontend with a module beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "main.py").write_text(PROGRAM)
    (folder / "words.py").write_text("greeting = 'hello'\n")
    return folder / "main.py"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A file that names a frontend which there is not."""
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


def test_it_runs_from_its_checkout(
    program: Path, context: Path, buildkit_host: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = llb(buildkit_host, "run", program, context, "--build-arg", "name=you", "-o", out)
    assert (done.returncode, done.stdout) == (0, "building Dockerfile\n"), done.stderr
    assert (out / "greeting").read_text() == "hello you"


@pytest.mark.parametrize("on", [[], ["--on"]])
def test_it_is_tried_in_place_of_the_one_that_a_file_names(
    on: list[str], program: Path, context: Path, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    base = [*on, frontend] if on else []
    done = llb(buildkit_host, "try", program, context, *base, "--build-arg", "name=me", "-o", out)
    assert done.returncode == 0, done.stderr
    assert (out / "greeting").read_text() == "hello me"


def test_it_is_packed_pushed_and_tried_as_an_image(
    program: Path, context: Path, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    name = f"{frontend.partition('/')[0]}/test/{tmp_path.name}"
    packed = llb(buildkit_host, "pack", program, "-t", name, "--push")
    assert packed.returncode == 0, packed.stderr
    *_, timed, named = packed.stderr.splitlines()
    assert timed.startswith("packed in ")
    assert named.startswith(f"{name} is sha256:")
    out = tmp_path / "out"
    done = llb(buildkit_host, "try", name, context, "-o", out)
    assert done.returncode == 0, done.stderr
    assert (out / "greeting").read_text() == "hello None"


def test_what_is_packed_runs_nothing_but_what_it_needs(
    program: Path, buildkit_host: str, tmp_path: Path
) -> None:
    with Client(buildkit_host) as client:
        packed = pack(program, resolver=client)
        client.solve(packed.state, local_dirs=packed.local_dirs, exports=[local(tmp_path / "out")])
    packages = {each.name for each in (tmp_path / "out" / "opt" / "pyllb").iterdir()}
    assert packages == {"attr", "attrs", "google", "hpack", "llb"}
    own = tmp_path / "out" / "opt" / "pyllb" / "llb"
    assert not {each.name for each in own.iterdir()} & {"client", "cli", "testing"}
    assert not (own / "frontend" / "kit").exists()


@pytest.mark.timeout(900)
def test_two_daemons_pack_the_same_image(
    program: Path, buildkit_host: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    digests = []
    for number, address in enumerate((buildkit_host, start_buildkitd().address)):
        done = llb(address, "pack", program, "-t", f"localhost/test:{number}")
        assert done.returncode == 0, done.stderr
        digests.append(done.stderr.split()[-1])
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n", "main.py does not serve a frontend"),
        ("import sys\nsys.exit(3)\n", "main.py exits with status 3 without serving a frontend"),
    ],
)
def test_a_program_that_serves_nothing_is_named(text: str, told: str, program: Path) -> None:
    program.write_text(text)
    with pytest.raises(InputError) as caught:
        load(program)
    assert caught.value.message.endswith(told)


def test_what_is_no_program_is_named(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    for word in ("run", "try"):
        done = llb(buildkit_host, word, tmp_path / "no.py", tmp_path)
        assert done.returncode == 1
        assert f"error: no such program: {tmp_path}/no.py" in done.stderr.splitlines()
