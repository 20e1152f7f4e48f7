"""``llb frontend``: create, run, pack and try a frontend."""

from __future__ import annotations

import base64
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from llb.testing.images import FakeImage
from tests.fakes.command import CommandResult, llb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

DIGEST = f"sha256:{'d' * 64}"
PROGRAM = """\
import sys
from llb import Image
from llb.gateway import Result, serve

def build(request, gateway):
    return Result(gateway.solve(Image("alpine").run(str(sorted(request.options))).marshal()))

build.filename = "app.toml"
sys.exit(serve(build))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program and a file for it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "main.py").write_text(PROGRAM)
    (tmp_path / "app.toml").write_text("")
    return tmp_path


@pytest.fixture
def daemon(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    def image(build: FakeBuild) -> dict[str, str]:
        return {"containerimage.digest": DIGEST}

    return fake_daemon(script=image, images={"*": FakeImage()})


def output_without_time(ran: CommandResult) -> str:
    """Replace the time in the message of a command."""
    assert ran.status == 0, ran.stderr
    return re.sub(r"in [0-9]+\.[0-9] s\n\Z", "in a moment\n", ran.stderr)


def test_a_new_frontend_has_files(tmp_path: Path) -> None:
    ran = llb("frontend", "new", tmp_path / "apps")
    assert ran.stdout.splitlines()[2] == f"{tmp_path}/apps/main.py"
    assert output_without_time(ran) == "created in a moment\n"
    assert (tmp_path / "apps" / "main.py").is_file()


def test_a_program_is_run_in_this_process_with_its_own_file(
    folder: Path, daemon: FakeDaemon
) -> None:
    program = folder / "main.py"
    ran = llb(
        *("frontend", "run", program, folder, "--build-arg", "a=1"),
        *("--progress", "none", "--addr", daemon.address),
    )
    assert output_without_time(ran) == "ran in a moment\n"
    (build,) = daemon.builds
    assert (
        build.step("run ['attest:provenance', 'build-arg:a', 'cmdline', 'filename', 'source']").kind
        == "exec"
    )


def test_a_subrequest_is_answered_in_this_process(folder: Path, daemon: FakeDaemon) -> None:
    (folder / "main.py").write_text(
        "from llb.gateway import Result, serve\n"
        "serve(lambda request, _: Result(metadata={\n"
        "    'result.txt': request.options['requestid'].encode()}))\n"
    )
    (folder / "Dockerfile").write_text("")
    ran = llb(
        *("frontend", "run", folder / "main.py", folder, "--call", "targets"),
        *("--addr", daemon.address),
    )
    assert (ran.status, ran.stdout) == (0, "frontend.targets\n")


def test_a_program_cannot_build_a_definition(folder: Path, daemon: FakeDaemon) -> None:
    (folder / "main.py").write_text("from llb.gateway import serve\nserve(print)\n")
    (folder / "build.py").write_text("from llb import Image, main\nmain(Image('alpine'))\n")
    ran = llb("frontend", "run", folder / "main.py", folder / "build.py", "--addr", daemon.address)
    assert ran.status == 2
    assert ran.stderr.endswith(
        "Error: a frontend cannot build a definition: expected a directory\n"
    )


def test_a_program_is_packed_under_a_name(folder: Path, daemon: FakeDaemon) -> None:
    ran = llb(
        *("frontend", "pack", folder / "main.py", "-t", "example.com/f", "--push"),
        *("--progress", "none", "--addr", daemon.address),
    )
    assert re.fullmatch(rf"packed in [0-9]+\.[0-9] s\nexample\.com/f is {DIGEST}\n", ran.stderr)
    *_, build = daemon.builds
    ((kind, attrs),) = build.exports
    assert (kind, attrs["name"], attrs["push"]) == ("image", "example.com/f", "true")
    assert (attrs["rewrite-timestamp"], attrs["source-date-epoch"]) == ("true", "0")
    assert build.step("compile the program").kind == "exec"


def test_an_image_replaces_the_frontend_that_a_file_names(folder: Path, daemon: FakeDaemon) -> None:
    ran = llb(
        *("frontend", "try", "example.com/f", folder, "-f", folder / "app.toml"),
        *("--progress", "none", "--addr", daemon.address),
    )
    assert output_without_time(ran) == "tried in a moment\n"
    attrs = daemon.builds[0].frontend_attrs
    assert attrs["build-arg:BUILDKIT_SYNTAX"] == "frontend.local/tried"
    assert attrs["context:frontend.local/tried"] == "docker-image://example.com/f"


def test_a_program_is_tried_with_its_own_file(folder: Path, daemon: FakeDaemon) -> None:
    # It is read, not run.
    (folder / "main.py").write_text(
        "import missing\n@frontend(filename='app.toml')\ndef build(build): ...\n"
    )
    ran = llb(
        *("frontend", "try", folder / "main.py", folder, "--on", "example.com/on"),
        *("--progress", "none", "--addr", daemon.address),
    )
    assert output_without_time(ran) == "tried in a moment\n"
    assert daemon.builds[-1].frontend_attrs["filename"] == "app.toml"


def test_a_program_is_packed_and_tried(folder: Path, daemon: FakeDaemon) -> None:
    ran = llb(
        *("frontend", "try", folder / "main.py", folder, "-f", folder / "app.toml"),
        *("--on", "example.com/on", "--progress", "none", "--addr", daemon.address),
    )
    assert output_without_time(ran) == "tried in a moment\n"
    *_, build = daemon.builds
    attrs = build.frontend_attrs
    assert attrs["context:frontend.local/tried"] == "input:frontend"
    metadata = json.loads(attrs["input-metadata:frontend"])
    config = json.loads(base64.b64decode(metadata["containerimage.config"]))
    assert config["config"]["Entrypoint"][-1] == "/opt/frontend/main.py"
    assert [vertex.name for vertex in build.inputs["frontend"].vertices() if vertex.name] == [
        "load the program",
        "copy the program",
        "compile the program",
    ]
