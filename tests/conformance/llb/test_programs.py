"""Programs create the definitions recorded from Go, on every interpreter."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import google.protobuf
import pytest

import llb
from llb.state.file_actions import CopyOptions
from llb.state.step_options import StepOptions
from tests.conformance.llb import combinations, go, programs, recorded
from tests.conformance.llb.digests import digest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
KEPT = recorded.kept()
COMBINATIONS = combinations.programs()
RECORDED = recorded.of_combinations()
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def test_all_combinations_are_recorded() -> None:
    assert COMBINATIONS.keys() == RECORDED.keys()


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combined_options_create_the_definition_of_go(name: str) -> None:
    assert programs.run(COMBINATIONS[name]) == RECORDED[name]


@pytest.mark.parametrize("name", KEPT)
def test_a_program_that_once_differed_creates_the_definition_of_go(name: str) -> None:
    program, answer = KEPT[name]
    assert programs.run(program) == answer


@pytest.mark.go
def test_the_recordings_equal_the_output_of_go() -> None:
    with go.running() as process:
        fresh = {name: process.run(program) for name, program in COMBINATIONS.items()}
        again = {name: (program, process.run(program)) for name, (program, _) in KEPT.items()}
    assert fresh == RECORDED
    assert again == KEPT


def test_every_option_is_combined_with_two_others() -> None:
    for name, kind in combinations.KINDS.items():
        partners: dict[str, set[str]] = {option: set() for option in kind.options}
        for number in range(len(kind.options)):
            for combination in combinations.combined(list(kind.options), number):
                for option in combination:
                    partners[option].update(set(combination) - {option})
        assert [
            option for option, option_partners in partners.items() if len(option_partners) < 2
        ] == [], name


# Functions, the kinds of steps that use their options, and the options that Go lacks.
FUNCTIONS: list[tuple[Callable[..., Any], list[str], set[str]]] = [
    (llb.Image, ["image", "image resolved"], {"resolver", "inherit_config"}),
    (llb.Local, ["local"], set()),
    (llb.Git, ["git", "git bundle", "git ssh"], set()),
    (llb.HTTP, ["http"], set()),
    (llb.OCILayout, ["oci layout"], set()),
    (llb.ImageBlob, ["image blob"], set()),
    (llb.OCILayoutBlob, ["oci layout blob"], set()),
    (llb.State.run, ["run"], {"shell", "mounts"}),
    (llb.bind, ["bind"], set()),
    (llb.cache, ["cache"], set()),
    (llb.tmpfs, ["tmpfs"], set()),
    (llb.secret, ["secret"], {"cache_key"}),
    (llb.ssh, ["ssh"], set()),
    (llb.mkdir, ["mkdir"], set()),
    (llb.mkfile, ["mkfile"], set()),
    (llb.rm, ["rm"], set()),
    (llb.symlink, ["symlink"], set()),
]


@pytest.mark.parametrize(
    ("function", "kinds", "own"), FUNCTIONS, ids=[row[0].__qualname__ for row in FUNCTIONS]
)
def test_every_option_of_the_library_is_combined(
    function: Callable[..., Any], kinds: list[str], own: set[str]
) -> None:
    parameters = inspect.signature(function).parameters.values()
    options = {
        parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY
    } - own
    assert options - {name for kind in kinds for name in combinations.KINDS[kind].options} == set()


def test_every_option_of_copies_and_steps_is_combined() -> None:
    assert CopyOptions.__optional_keys__ <= combinations.KINDS["copy"].options.keys()
    assert StepOptions.__optional_keys__ <= combinations.KINDS["run"].options.keys()


# The packages that the library needs, each with the number of levels up to its import folder.
PACKAGES = ((attrs, 0), (google.protobuf, 1))


def run_with(interpreter: str, seed: int, *args: str) -> str:
    """Run another interpreter with the packages of this one, and capture its output."""
    folders = {str(Path(module.__path__[0]).parents[level]) for module, level in PACKAGES}
    done = subprocess.run(
        [interpreter, *args],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sorted(folders)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def digest_of(interpreter: str, seed: int) -> str:
    """Hash the same graphs with another interpreter."""
    return run_with(interpreter, seed, "-m", "tests.conformance.llb.digests")


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = set(pool.map(lambda seed: digest_of(sys.executable, seed), range(25)))
    assert digests == {digest()}


def interpreters() -> dict[str, str]:
    """Find the interpreters of this machine that can import the required packages."""
    usable = {}
    for version in VERSIONS:
        name = f"python{version}"
        pyenv_paths = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/{name}"))
        for path in (*map(str, pyenv_paths), shutil.which(name)):
            if path is not None and is_usable(path, version):
                usable[version] = path
    return usable


def is_usable(interpreter: str, version: str) -> bool:
    """Check that an interpreter works, has the version, and can import the packages.

    pyenv also has commands for versions that are not selected.
    """
    check = "import sys, attrs, google.protobuf; print('%d.%d' % sys.version_info[:2])"
    try:
        return run_with(interpreter, 0, "-c", check) == version
    except subprocess.CalledProcessError:
        return False


@pytest.mark.parametrize(("version", "interpreter"), interpreters().items())
def test_bytes_do_not_depend_on_the_interpreter(version: str, interpreter: str) -> None:
    assert digest_of(interpreter, 1) == digest(), version
