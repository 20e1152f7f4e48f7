"""Running build scripts, which may ask for the configs of their base images."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click
import pytest

from llb import Image, resolve_images
from llb.cli.build_script import BuildScript
from llb.errors import InputError
from llb.testing import FakeImages

if TYPE_CHECKING:
    from pathlib import Path

STATE = Image("alpine").run("make").cmd(["x"])
SCRIPT = "from llb import Image, main\nmain(Image('alpine').run('make').cmd(['x']))\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "build.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_gets_its_images_and_gives_a_definition(path: Path) -> None:
    images = FakeImages()
    with BuildScript(path, resolves=True) as script:
        (image,) = script.requests().images
        assert image.span is not None
        assert (image.span.text, image.span.line) == (SCRIPT, 2)
        script.answer([image.resolve(images)])
        loaded = script.result()
    expected = resolve_images(STATE, images)
    assert loaded.definition.ops == expected.marshal().ops
    assert loaded.image_config == expected.image_config()


def test_a_script_without_a_resolver_warns(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with BuildScript(path) as script:
        loaded = script.result()
    assert loaded.definition.ops == STATE.marshal().ops
    assert json.loads(loaded.image_config or b"")["config"]["Cmd"] == ["x"]
    errors = capfd.readouterr().err
    assert errors.count("the config of docker.io/library/alpine:latest is not known") == 1
    assert errors.startswith(f"{path}:2: BaseImageWarning: ")


def test_an_image_config_is_only_encoded_for_an_image(path: Path) -> None:
    path.write_text("from llb import Image, main\nmain(Image('alpine').mkfile('/x', 'y'))\n")
    with BuildScript(path, with_config=False, resolves=True) as script:
        assert script.requests().images == ()
        assert script.result().image_config is None


def test_a_script_without_a_definition_needs_no_images(path: Path) -> None:
    path.write_text("print(end='x' * 200_000)\n")
    with BuildScript(path, resolves=True) as script:
        assert script.requests().images == ()
    path.write_text("")
    with BuildScript(path, resolves=True) as script:
        assert script.requests().images == ()
        with pytest.raises(InputError, match="printed no definition"):
            script.result()


def test_a_failure_after_the_answer_is_that_of_the_script(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with BuildScript(path, resolves=True) as script:
        (image,) = script.requests().images
        script.answer([image.resolve(FakeImages({"alpine": "[]"}))])
        with pytest.raises(click.exceptions.Exit):
            script.result()
    assert "invalid image config" in capfd.readouterr().err


def test_an_abandoned_script_ends(path: Path) -> None:
    with BuildScript(path, resolves=True) as script:
        assert len(script.requests().images) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(script._process.pid, 0)


def test_an_answer_to_a_script_that_has_ended_is_dropped(path: Path) -> None:
    path.write_text(SCRIPT.replace("main(", "import os; os._exit(3)\nmain("))
    with BuildScript(path, resolves=True) as script:
        assert script.requests().images == ()
        script.answer([])
        with pytest.raises(InputError, match="failed with exit status 3"):
            script.result()
