"""A build script runs as the main program, and its errors point at its own lines."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from llb import BaseImageWarning, Image, Local, Platform, dump, resolve_images
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.definition.definition import Definition
from llb.script.__main__ import run
from llb.script.image_requests import ImageRequests, answers_to_line
from llb.script.main import FAILED, IMAGE_CONFIG_FD, RESOLVER_FD, main
from llb.testing import FakeImages

if TYPE_CHECKING:
    from pathlib import Path

STATE = Image("alpine").run("make").cmd(["x"])


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path for a script; changes that running it makes to this process are undone."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "build.py"


def test_the_definition_is_printed(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    main(STATE)
    printed = capsysbinary.readouterr().out
    assert Definition.from_bytes(printed).ops == STATE.marshal().ops


def test_the_image_config_is_written_to_the_requested_descriptor(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    monkeypatch.setenv(IMAGE_CONFIG_FD, str(write))
    main(STATE)
    with os.fdopen(read, "rb") as pipe:
        assert json.loads(pipe.read())["config"]["Cmd"] == ["x"]
    assert Definition.from_bytes(capsysbinary.readouterr().out).ops == STATE.marshal().ops


def test_base_images_are_resolved_by_the_other_end(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    monkeypatch.setenv(RESOLVER_FD, str(theirs.detach()))
    monkeypatch.setenv(IMAGE_CONFIG_FD, str(write))
    state = STATE.copy(Local("src"), "/src")
    images = FakeImages()
    with ours, ours.makefile("rwb") as stream:
        # The answer may arrive before the request is read.
        resolved = images.resolve_image_config("alpine", platform=Platform.host())
        stream.write(answers_to_line([resolved]))
        stream.flush()
        main(state)
        requests = ImageRequests.from_line(stream.readline())
    assert [image.ref for image in requests.images] == ["docker.io/library/alpine:latest"]
    assert requests.locals == ("src",)
    printed = Definition.from_bytes(capsysbinary.readouterr().out)
    expected = resolve_images(state, images).marshal(local_unique_id="")
    assert [v.op for v in printed.vertices() if v.kind == "exec"] == [
        v.op for v in expected.vertices() if v.kind == "exec"
    ]
    with os.fdopen(read, "rb") as pipe:
        assert json.loads(pipe.read())["config"]["Env"] == [f"PATH={DEFAULT_PATH_ENV}"]


def test_a_build_without_an_image_config_needs_images_of_steps_only(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setenv(RESOLVER_FD, str(theirs.detach()))
    state = Image("alpine").mkfile("/x", "y")
    main(state)
    with ours, ours.makefile("rb") as stream:
        assert ImageRequests.from_line(stream.readline()) == ImageRequests()
    assert Definition.from_bytes(capsysbinary.readouterr().out).ops == state.marshal().ops


def test_a_script_ends_quietly_when_its_images_cannot_be_resolved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setenv(RESOLVER_FD, str(theirs.detach()))
    ours.shutdown(socket.SHUT_WR)
    with ours, pytest.raises(SystemExit) as caught:
        main(STATE)
    assert caught.value.code == FAILED
    assert capsys.readouterr() == ("", "")


def test_a_lost_config_is_a_warning(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.warns(BaseImageWarning, match="the config of docker.io/library/nginx:latest"):
        main(Image("nginx").mkfile("/x", "y"))
    assert capsysbinary.readouterr().out


def test_the_graph_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    main(STATE)
    assert terminal.getvalue() == dump.tree(STATE.marshal())


def test_a_script_is_the_main_program_in_its_own_folder(script: Path) -> None:
    (script.parent / "neighbour.py").write_text("NAME = 'neighbour'\n")
    script.write_text(
        "import sys, neighbour\n"
        "from pathlib import Path\n"
        "result = f'{__name__} {sys.argv == [__file__]} {neighbour.NAME}'\n"
        "Path(__file__).with_suffix('.txt').write_text(result)\n"
    )
    assert run(str(script)) == 0
    assert script.with_suffix(".txt").read_text() == "__main__ True neighbour"


def test_an_error_of_the_library_points_at_the_line_of_the_script(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("import llb\n\ndef base():\n    return llb.Image('Alpine')\n\nbase()\n")
    assert run(str(script)) == FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith(f"error: {script}:4: ")
    assert "4 | >>>     return llb.Image('Alpine')" in lines


def test_an_error_in_a_file_that_is_not_utf8_has_no_position(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_bytes(b"# coding: latin-1\nimport llb\nx = '\xff'\nllb.Image('Alpine')\n")
    assert run(str(script)) == FAILED
    assert capsys.readouterr().err.startswith("error: invalid reference 'Alpine'")


def test_any_other_exception_is_shown_with_a_traceback_of_the_script(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("raise ValueError('mine')\n")
    assert run(str(script)) == FAILED
    assert capsys.readouterr().err.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{script}", line 1, in <module>',
        "    raise ValueError('mine')",
        "ValueError: mine",
    ]


def test_a_script_chooses_its_own_exit_status(script: Path) -> None:
    script.write_text("import sys\nsys.exit(7)\n")
    with pytest.raises(SystemExit) as caught:
        run(str(script))
    assert caught.value.code == 7
