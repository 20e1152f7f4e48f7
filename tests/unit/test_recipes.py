"""Recipes as graphs: equal to their goldens, with the user's lines, and safe arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import (
    Image,
    ImageConfig,
    Local,
    Location,
    Range,
    Scratch,
    SourceFile,
    State,
    caps,
    dump,
    resolve_images,
)
from llb.errors import CapabilityError, InvalidValueError
from llb.ops.nodes import Cache
from llb.recipes import apk, apt, cargo, expect_command, expect_file, go, npm, pip, uv
from llb.testing import FakeImage, FakeImages
from llb.testing.graphs import steps

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "recipes"
BASE = Image("debian", platform="linux/amd64")
SOURCE = Local("context")

RECIPES: dict[str, State] = {
    "apt": BASE.user("app").pipe(apt.install, "git", "curl=7.88*"),
    "apt_recommends": BASE.pipe(apt.install, "libc6:arm64", "g++/stable", recommends=True),
    "apk": BASE.pipe(apk.add, "git", "py3-pip>24", "tool@edge=~1.2"),
    "pip": BASE.pipe(pip.install, "requests==2.32", "a[b]>=1; python_version < '3.12'"),
    "pip_requirements": BASE.user("1000:1000").pipe(
        pip.install, requirements="build/requirements.txt", source=SOURCE, flags=["--no-deps"]
    ),
    "pip_inside": BASE.pipe(pip.install, ".", requirements="/etc/my requirements.txt"),
    "uv": BASE.workdir("/app").user("app").pipe(uv.sync, SOURCE),
    "uv_options": BASE.workdir("/app").pipe(
        uv.sync,
        SOURCE,
        groups=["docs"],
        extras=["http2", "tls"],
        dev=False,
        frozen=True,
        flags=["--python=3.12"],
    ),
    "npm": BASE.workdir("/app").user("node").pipe(npm.ci, SOURCE),
    "npm_options": BASE.workdir("/app").pipe(
        npm.ci, SOURCE, omit=["dev", "optional"], scripts=False
    ),
    "go": BASE.pipe(go.build, SOURCE, output="/out/app"),
    "go_options": BASE.workdir("/out").pipe(
        go.build, SOURCE, "./cmd/app", output="my app", flags=["-trimpath", "-ldflags=-s -w"]
    ),
    "cargo": BASE.pipe(cargo.build, SOURCE, "app"),
    "cargo_options": BASE.env("CARGO_HOME", "/cargo")
    .user("app")
    .workdir("/opt")
    .pipe(
        cargo.build,
        SOURCE,
        "app",
        "tool",
        output="my bin",
        release=False,
        flags=["--features=a,b"],
    ),
    "expect_file": Scratch()
    .mkfile("/a", "1")
    .pipe(expect_file, "/a", equals="1", contains="", mode=0o644, using=BASE),
    "expect_file_own": BASE.workdir("/etc").user("app").pipe(expect_file, "passwd"),
    "expect_command": BASE.pipe(expect_command, "id -u; exit 2", equals="0\n", exit_code=2),
    "expect_command_alone": BASE.pipe(expect_command, ["/app", "--version"]),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_equals_its_golden(name: str) -> None:
    definition = RECIPES[name].marshal(platform="linux/amd64", source_map=False)
    assert dump.text(definition) == (GOLDEN / f"{name}.txt").read_text()


def test_every_golden_has_a_recipe() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_each_step_has_the_line_of_its_caller(name: str) -> None:
    definition = RECIPES[name].marshal(platform="linux/amd64")
    assert [file.filename for file in definition.files] == ["tests/unit/test_recipes.py"]
    *steps, _ = definition.vertices()
    assert all(vertex.locations for vertex in steps)


STEPS: dict[str, Callable[..., State]] = {
    "apt": lambda **options: BASE.pipe(apt.install, "git", **options),
    "apk": lambda **options: BASE.pipe(apk.add, "git", **options),
    "pip": lambda **options: BASE.user("app").pipe(
        pip.install, requirements="requirements.txt", source=SOURCE, **options
    ),
    "uv": lambda **options: BASE.pipe(uv.sync, SOURCE, **options),
    "npm": lambda **options: BASE.pipe(npm.ci, SOURCE, **options),
    "go": lambda **options: BASE.pipe(go.build, SOURCE, output="/app", **options),
    "cargo": lambda **options: BASE.pipe(cargo.build, SOURCE, "app", **options),
    "expect_file": lambda **options: BASE.pipe(expect_file, "/a", equals="1", **options),
    "expect_command": lambda **options: BASE.pipe(expect_command, "id", equals="1", **options),
    "expect_exit_code": lambda **options: BASE.pipe(expect_command, ["id"], **options),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_steps_of_a_recipe_take_the_options_of_steps(name: str) -> None:
    location = Location(SourceFile("Appfile", b"install git\n"), (Range(1, 1),))
    state = STEPS[name](name="mine", ignore_cache=True, locations=[location])
    definition = state.marshal(platform="linux/amd64")
    made = [vertex for vertex in definition.vertices() if vertex.kind in ("exec", "file")]
    assert made
    for vertex in made:
        assert [place.file.filename for place in vertex.locations] == ["Appfile"]
        assert vertex.metadata.ignore_cache
        assert (vertex.name == "mine") is (vertex.kind == "exec")


def test_a_recipe_refuses_an_option_that_steps_do_not_have() -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'ignore_caches'"):
        BASE.pipe(apt.install, "git", ignore_caches=True)  # type: ignore[call-arg]


def cache_ids(state: State) -> list[str]:
    """Collect the IDs of the caches of the last process."""
    assert state.last_run is not None
    return [mount.id for mount in state.last_run.mounts if isinstance(mount, Cache)]


@pytest.mark.parametrize(
    ("state", "ids"),
    [
        (Image("debian").pipe(pip.install, "a"), ["recipes pip"]),
        (Image("debian").user("root").pipe(pip.install, "a"), ["recipes pip"]),
        (Image("debian").user("0:1000").pipe(pip.install, "a"), ["recipes pip"]),
        (Image("debian").user("1000").pipe(pip.install, "a"), ["recipes pip 1000"]),
        (
            Image("debian", platform="linux/arm/v7").user("app:x").pipe(pip.install, "a"),
            ["recipes pip linux/arm/v7 app:x"],
        ),
        (Image("debian").user("app").pipe(apt.install, "git"), ["recipes apt"]),
    ],
)
def test_each_platform_and_user_has_its_own_caches(state: State, ids: list[str]) -> None:
    assert cache_ids(state) == ids


@pytest.mark.parametrize(
    ("refused", "message", "hint"),
    [
        (
            lambda: BASE.pipe(apt.install),
            "missing Debian package",
            "for example git, or git=1:2.47*",
        ),
        (
            lambda: BASE.pipe(apt.install, "git; rm -rf /"),
            "invalid Debian package 'git; rm -rf /'",
            "for example git, or git=1:2.47*",
        ),
        (
            # It would remove the package.
            lambda: BASE.pipe(apt.install, "git-"),
            "invalid Debian package 'git-'",
            "for example git, or git=1:2.47*",
        ),
        (
            lambda: BASE.pipe(apt.install, "--reinstall"),
            "invalid Debian package '--reinstall'",
            "for example git, or git=1:2.47*",
        ),
        (
            lambda: BASE.pipe(apk.add, "!git"),
            "invalid Alpine package '!git'",
            "for example git, or py3-pip>24",
        ),
        (
            lambda: BASE.pipe(pip.install, "-r", "requirements.txt"),
            "invalid requirement '-r'",
            "for example requests==2.32",
        ),
        (
            lambda: BASE.pipe(pip.install),
            "nothing to install: expected requirements or a requirements file",
            "for example 'requests==2.32', or requirements='requirements.txt'",
        ),
        (
            lambda: BASE.pipe(pip.install, "a", source=SOURCE),
            "source without requirements: expected the path of a requirements file in it",
            "for example requirements='requirements.txt'",
        ),
        (
            lambda: BASE.pipe(pip.install, "a", flags=5),  # type: ignore[arg-type]
            "invalid flags 5: expected several values, each a string",
            None,
        ),
        (
            lambda: BASE.pipe(uv.sync, SOURCE, extras=["a b"]),
            "invalid value of --extra 'a b'",
            "for example ['http2']",
        ),
        (
            lambda: BASE.pipe(npm.ci, SOURCE, omit=["development"]),
            "invalid value of --omit 'development'",
            "for example ['dev']",
        ),
        (
            lambda: BASE.pipe(go.build, SOURCE, "-o", output="/app"),
            "invalid package '-o'",
            "for example ./cmd/app",
        ),
        (
            lambda: BASE.pipe(cargo.build, SOURCE),
            "missing program",
            "for example app, as in [[bin]] of Cargo.toml",
        ),
        (
            lambda: BASE.pipe(cargo.build, SOURCE, "../app"),
            "invalid program '../app'",
            "for example app, as in [[bin]] of Cargo.toml",
        ),
        (
            lambda: BASE.pipe(expect_file, "/"),
            "invalid path '/': expected the path of a file",
            None,
        ),
        (
            lambda: BASE.pipe(expect_file, "/a", mode=644000),
            "invalid mode 644000: expected 0 to 0o7777",
            None,
        ),
        (
            lambda: BASE.pipe(expect_command, "true", exit_code=256),
            "invalid exit code 256: expected 0 to 255",
            None,
        ),
        (
            lambda: Scratch().pipe(expect_command, ["/a"]),
            "the empty tree cannot require others: it is not built",
            None,
        ),
    ],
)
def test_invalid_arguments_are_refused_with_an_example(
    refused: Callable[[], State], message: str, hint: str | None
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        refused()
    assert (caught.value.title, caught.value.hint) == (message, hint)


def test_an_older_buildkit_is_refused_before_the_build() -> None:
    definition = RECIPES["expect_file"].marshal()
    offered = caps.of_version("v0.30.0")
    assert offered is not None
    with pytest.raises(CapabilityError) as caught:
        caps.check(definition, offered, "BuildKit v0.30.0")
    assert str(caught.value) == (
        "BuildKit v0.30.0 does not support requires and passthrough "
        "(it needs BuildKit v0.31.0 or later)"
    )
    assert caught.value.since == "v0.31.0"


def test_a_step_on_an_image_that_is_not_resolved_runs_as_root() -> None:
    images = FakeImages({"*": FakeImage(ImageConfig(user="app"), workdir="/app")})
    late = Image("python").pipe(pip.install, "flask")
    (run,) = [step for step in steps(resolve_images(late, images)) if step.args]
    assert run.vertex.op["meta"]["user"] == "0"
    own = Image("python").user("me").pipe(pip.install, "flask")
    (run,) = [step for step in steps(resolve_images(own, images)) if step.args]
    assert run.vertex.op["meta"]["user"] == "me"
    # A resolved image determines the user, and the caches with it.
    known = resolve_images(Image("python"), images).pipe(pip.install, "flask")
    (run,) = [step for step in steps(known) if step.args]
    assert run.vertex.op["meta"]["user"] == "app"


def test_a_relative_path_needs_a_working_directory() -> None:
    with pytest.raises(InvalidValueError, match="the working directory is not known"):
        Image("golang").pipe(go.build, Local("context"), output="app")
    state = Image("golang").workdir("/w").pipe(go.build, Local("context"), output="app")
    assert " -o /w/app " in steps(state)[-1].args[-1]


def test_one_string_is_one_flag_or_group() -> None:
    alone = BASE.pipe(pip.install, "a", flags="--no-deps").pipe(uv.sync, SOURCE, groups="docs")
    listed = BASE.pipe(pip.install, "a", flags=["--no-deps"]).pipe(uv.sync, SOURCE, groups=["docs"])
    assert alone.marshal().head == listed.marshal().head
