"""The program of the image starts out of one file, and serves as it does without."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from frontend.bundle.start import Bundle
from llb.testing.graphs import assert_runs
from tests.fakes.program import Served, run_program

if TYPE_CHECKING:
    from pathlib import Path

WRITE = "from pathlib import Path; from frontend.bundle import __main__ as bundle; bundle.write(Path({!r}))"
START = """
import sys, frontend.bundle.start as start
start.PATH = {!r}
start.main()
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of this checkout."""
    path = tmp_path_factory.mktemp("bundle") / "bundle"
    subprocess.run([sys.executable, "-c", WRITE.format(str(path))], check=True)
    return path


def served(path: Path, *arguments: str) -> Served:
    """Return what comes of a Dockerfile where the program starts with a bundle."""
    return run_program(
        *("-c", START.format(str(path)), *arguments),
        options={"build-arg:A": "2"},
        files={"Dockerfile": "FROM alpine\nARG A=1\nRUN --device=vendor.com/a=b echo $A\n"},
    )


def test_the_program_serves_out_of_a_bundle_and_without_one(path: Path, tmp_path: Path) -> None:
    for place in (path, tmp_path / "none"):
        done = served(place, "--labs")
        assert (done.status, done.stderr) == (0, "")
        assert assert_runs(done.definition, "echo $A").env["A"] == "2"


def test_an_argument_that_is_unknown_is_the_exit_status(path: Path) -> None:
    done = served(path, "--nonesuch")
    assert (done.status, done.result) == (2, None)
    assert done.stderr == "error: expected --labs or nothing, got --nonesuch\n"


def test_modules_are_found_with_the_place_of_their_source(path: Path) -> None:
    bundle = Bundle(str(path))
    package, module = bundle.find_spec("frontend"), bundle.find_spec("llb.frontend.build")
    assert package is not None
    assert module is not None
    assert package.origin is not None
    assert package.submodule_search_locations == [package.origin.rpartition("/")[0]]
    assert module.submodule_search_locations is None
    assert module.loader is not None
    code = module.loader.get_code("llb.frontend.build")  # type: ignore[attr-defined]
    assert code.co_filename == module.origin
    assert bundle.find_spec("nonesuch") is None


def test_what_is_not_in_a_bundle_is_compiled(path: Path) -> None:
    bundle = Bundle(str(path))
    for filename in ("<attrs generated init nonesuch>", "file.py"):
        code = bundle.compile_methods("value = 1", filename, "exec")
        scope: dict[str, object] = {}
        exec(code, scope)
        assert (code.co_filename, scope["value"]) == (filename, 1)


def test_methods_and_expressions_are_not_compiled_again(path: Path) -> None:
    bundle = Bundle(str(path))
    filename, _ = next(iter(bundle._methods))
    assert filename.startswith("<attrs generated ")
    (text, flags), _ = next(iter(bundle._patterns.items()))
    assert bundle.compile_pattern(text, flags).pattern == text
