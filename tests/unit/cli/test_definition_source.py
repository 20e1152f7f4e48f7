"""Load definitions from build scripts, files and standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import sys
import tarfile
from typing import TYPE_CHECKING

import click
import pytest

from llb import Image, Scratch, State
from llb.cli.definition_source import is_build_context, load
from llb.errors import InputError, InvalidDefinitionError

if TYPE_CHECKING:
    from pathlib import Path

STATE = Image("alpine").run("make")
SCRIPT = "from llb import Image, main\nmain(Image('alpine').run('make').cmd(['x']))\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "build.py"
    path.write_text(SCRIPT)
    return path


def make_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("Dockerfile"))
    return buffer.getvalue()


def set_stdin(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace standard input with bytes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_script_gives_a_definition_and_an_image_config(script: Path) -> None:
    calls: list[str] = []
    loaded = load(str(script), lambda: calls.append("meanwhile"))
    assert loaded.definition.ops == STATE.marshal().ops
    assert loaded.image_config is not None
    assert json.loads(loaded.image_config)["config"]["Cmd"] == ["x"]
    assert calls == ["meanwhile"]


def test_a_script_imports_modules_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(
        "from llb import Image\nbuilt = Image('alpine').run('make')\n"
    )
    (tmp_path / "build.py").write_text("from steps import built\nimport llb\nllb.main(built)\n")
    assert load(str(tmp_path / "build.py")).definition.ops == STATE.marshal().ops


def test_a_script_shows_its_own_error(script: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script.write_text("import llb\nllb.Image('Alpine')\n")
    with pytest.raises(click.exceptions.Exit) as caught:
        load(str(script))
    assert caught.value.exit_code == 1
    assert f"\nerror: {script}:2: invalid reference 'Alpine'" in capfd.readouterr().err


def test_a_traceback_shows_only_lines_of_the_script(
    script: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script.write_text("def fail():\n    return 1 / 0\n\nfail()\n")
    with pytest.raises(click.exceptions.Exit):
        load(str(script))
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if line.startswith("  File")] == [
        f'  File "{script}", line 4, in <module>',
        f'  File "{script}", line 2, in fail',
    ]
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_the_exit_status_of_a_script_is_in_the_error(script: Path) -> None:
    script.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(InputError) as caught:
        load(str(script))
    assert caught.value.message == f"the build script {script} failed with exit status 3"


def test_a_script_that_prints_nothing_is_refused(script: Path) -> None:
    script.write_text("import llb\nllb.Image('alpine')\n")
    with pytest.raises(InputError) as caught:
        load(str(script))
    assert caught.value.message == f"the build script {script} printed no definition"
    assert caught.value.hint == (
        "end a script with llb.main(state), or mark a function that returns the state with @target "
        "from llb.buildfile"
    )


def test_a_script_is_killed_when_the_concurrent_callback_fails(script: Path) -> None:
    script.write_text("import threading\nthreading.Event().wait()\n")

    def fail() -> None:
        raise InputError("meanwhile")

    with pytest.raises(InputError, match=r"^meanwhile$"):
        load(str(script), fail)


def test_a_file_gives_its_definition(tmp_path: Path) -> None:
    path = tmp_path / "build.pb"
    STATE.marshal().to_file(path)
    loaded = load(str(path))
    assert (loaded.definition, loaded.image_config) == (STATE.marshal(), None)


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(str(tmp_path / "none.pb"))
    assert caught.value.message == f"no such file: {tmp_path / 'none.pb'}"


def test_an_invalid_definition_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "build.pb"
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidDefinitionError):
        load(str(path))


def test_standard_input_gives_a_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdin(STATE.marshal().to_bytes(), monkeypatch)
    calls: list[str] = []
    loaded = load("-", lambda: calls.append("meanwhile"))
    assert (loaded.definition.ops, calls) == (STATE.marshal().ops, ["meanwhile"])


def test_another_pipe_gives_a_definition() -> None:
    here, there = os.pipe()
    os.write(there, STATE.marshal().to_bytes())
    os.close(there)
    assert load(f"/dev/fd/{here}").definition.ops == STATE.marshal().ops
    with pytest.raises(InputError) as caught:
        load(f"/dev/fd/{here}")
    assert caught.value.message == f"no definition on /dev/fd/{here}"
    os.close(here)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"FROM alpine\n", True),
        (b"\n# \xc3\xa9\r\nFROM alpine\n\tRUN make\f", True),
        (make_archive(), True),
        (gzip.compress(make_archive(), mtime=0), True),
        (bz2.compress(b"a"), True),
        (lzma.compress(b"a"), True),
        (STATE.marshal().to_bytes(), False),
        (Scratch().mkfile("/a", "1").marshal().to_bytes(), False),
        (State().marshal().to_bytes(), False),
        (b"\xff", False),
        (b"FROM a\0", False),
        (b"", False),
        (b" \n", False),
    ],
)
def test_a_dockerfile_and_an_archive_are_no_definition(data: bytes, *, expected: bool) -> None:
    assert is_build_context(data) is expected


def test_empty_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdin(b"", monkeypatch)
    with pytest.raises(InputError) as caught:
        load("-")
    assert caught.value.message == "no definition on standard input"
    assert caught.value.hint == "pipe one in, for example: python build.py | llb build -"


def test_a_build_file_prints_no_definition(tmp_path: Path) -> None:
    path = tmp_path / "build.py"
    path.write_text("from llb.buildfile import target\n")
    with pytest.raises(InputError) as caught:
        load(str(path))
    assert caught.value.message == (
        f"{path} is a build file, which prints no definition: a daemon resolves its images"
    )
    assert caught.value.hint == (
        f"llb build {path} builds it, and --call convertllb prints its definition"
    )


@pytest.mark.parametrize("start", ["", "\ufeff", "\n", "  ", "\f", '"""A script."""\n'])
def test_a_file_that_names_a_frontend_is_not_run(tmp_path: Path, start: str) -> None:
    script = tmp_path / "build.py"
    code = f"from pathlib import Path\nPath({str(tmp_path / 'canary')!r}).touch()\n"
    script.write_text(f"{start}# syntax=example/frontend\n{code}", encoding="utf-8")
    with pytest.raises(InputError, match="the file names the frontend example/frontend, so it is"):
        load(str(script))
    assert not (tmp_path / "canary").exists()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pb").touch()
    with pytest.raises(InputError, match=r"x\.pb is empty: expected a definition"):
        load(str(tmp_path / "x.pb"))
