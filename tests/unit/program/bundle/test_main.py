"""The program of the image serves with and without a bundle."""

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
    """Build a Dockerfile with the program, started with a bundle."""
    return run_program(
        *("-c", START.format(str(path)), *arguments),
        options={"build-arg:A": "2"},
        files={"Dockerfile": "FROM alpine\nARG A=1\nRUN --device=vendor.com/a=b echo $A\n"},
    )


def test_the_program_serves_with_and_without_a_bundle(path: Path, tmp_path: Path) -> None:
    for bundle in (path, tmp_path / "none"):
        program = served(bundle)
        assert (program.status, program.stderr) == (0, "")
        assert assert_runs(program.definition, "echo $A").env["A"] == "2"


def test_an_unknown_argument_is_an_exit_status(path: Path) -> None:
    program = served(path, "--nonesuch")
    assert (program.status, program.result) == (2, None)
    assert program.stderr == "error: expected no arguments, got --nonesuch\n"


def test_modules_have_their_source_file(path: Path) -> None:
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


def test_code_that_is_not_in_a_bundle_is_compiled(path: Path) -> None:
    bundle = Bundle(str(path))
    for filename in ("<attrs generated init nonesuch>", "file.py"):
        code = bundle.compile_methods("value = 1", filename, "exec")
        scope: dict[str, object] = {}
        exec(code, scope)
        assert (code.co_filename, scope["value"]) == (filename, 1)


def test_methods_and_expressions_come_from_the_bundle(path: Path) -> None:
    bundle = Bundle(str(path))
    filename, _ = next(iter(bundle._methods))
    assert filename.startswith("<attrs generated ")
    (pattern, flags), _ = next(iter(bundle._patterns.items()))
    assert bundle.compile_pattern(pattern, flags).pattern == pattern
