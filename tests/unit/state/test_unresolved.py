"""What only the config of a base image knows is never guessed, and its loss is never silent."""

from __future__ import annotations

import linecache
import warnings

import pytest

from llb import BaseImageWarning, Image, Scratch
from llb.errors import InvalidValueError

HINT = "pass resolver= to Image(), for example a Client, or set it in the state"
WARNING = (
    "the config of docker.io/library/nginx:1 is not known, and its PATH, USER, WORKDIR, CMD and "
    "other settings are lost; build the state with llb build or a Client, which resolve the image, "
    "or pass resolver= or inherit_config=False to Image()"
)


def test_a_variable_of_the_image_is_not_known() -> None:
    state = Image("nginx:1").env("A", "1").env("B", None)
    assert (state.getenv("A"), state.getenv("B", "none")) == ("1", "none")
    with pytest.raises(InvalidValueError) as caught:
        state.getenv("PATH", "/bin")
    expected = "the variable PATH is not known before docker.io/library/nginx:1 is resolved"
    assert (caught.value.message, caught.value.hint) == (expected, HINT)


def test_the_environment_of_the_image_is_not_known() -> None:
    with pytest.raises(InvalidValueError, match="the environment is not known before"):
        _ = Image("nginx:1").env("A", "1").variables


def test_the_working_directory_of_the_image_is_not_known() -> None:
    with pytest.raises(InvalidValueError, match="the working directory is not known before"):
        _ = Image("nginx:1").workdir("src").cwd
    assert Image("nginx:1").workdir("/src").workdir("x").cwd == "/src/x"


def test_an_image_without_its_config_knows_everything() -> None:
    state = Image("nginx:1", inherit_config=False).workdir("src")
    assert (state.cwd, state.variables, state.getenv("PATH", "/bin")) == ("/src", (), "/bin")


def test_a_lost_config_is_a_warning_at_the_line_of_the_image_once() -> None:
    state = Image("nginx:1").run("a").run("b")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        state.marshal()
        state.marshal()
        state.image_config()
    (warning,) = caught
    assert warning.category is BaseImageWarning
    assert str(warning.message) == WARNING
    line = linecache.getline(warning.filename, warning.lineno).strip()
    assert line == 'state = Image("nginx:1").run("a").run("b")'


def test_an_image_whose_line_is_replaced_is_named_in_its_place() -> None:
    with pytest.warns(BaseImageWarning) as caught:
        Image("nginx:1", locations=()).run("a").marshal()
    assert caught[0].filename == "docker.io/library/nginx:1"


@pytest.mark.filterwarnings("error")
def test_files_of_an_image_lose_nothing() -> None:
    image = Image("nginx:1")
    Scratch().copy(image, "/x").run("y").marshal()
    image.mkfile("/x", "y").marshal()
    Image("nginx:1", inherit_config=False).run("x").marshal()
    Image("nginx:1", inherit_config=False).image_config()


def test_the_config_of_an_image_made_of_files_alone_is_lost_too() -> None:
    state = Image("nginx:1").mkfile("/x", "y")
    with pytest.warns(BaseImageWarning, match="docker.io/library/nginx:1"):
        state.image_config()
