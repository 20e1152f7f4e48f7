"""``python -m llb.gateway FILE``: a program's mistakes become errors of its build."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llb.testing.graphs import assert_runs
from tests.fakes.program import Served, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """\
import sys
from llb import Image
from llb.gateway import Result, serve

def build(request, gateway):
    state = Image("alpine", inherit_config=False).run(request.options["do"])
    return Result(gateway.solve(state.marshal()))

"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Served]:
    """Run a program as a frontend with the option ``do=make``."""

    def program(source: str, **environ: str) -> Served:
        path = tmp_path / "main.py"
        path.write_text(source)
        return run_program("-m", "llb.gateway", path, options={"do": "make"}, environ=environ)

    return program


def error_of(served: Served) -> str:
    assert served.error is not None
    return served.error.message


def test_a_program_answers_with_the_result_of_its_function(program: Callable[..., Served]) -> None:
    served = program(f"{HEAD}sys.exit(serve(build))\n")
    assert (served.status, served.stderr) == (0, "")
    assert_runs(served.definition, "make")


def test_printed_output_goes_to_the_log_of_the_daemon(
    program: Callable[..., Served],
) -> None:
    served = program(f"print('before')\n{HEAD}serve(build)\nprint('after')\n")
    assert (served.status, served.stderr) == (0, "before\nafter\n")
    assert_runs(served.definition, "make")


def test_a_program_imports_modules_from_its_folder(
    program: Callable[..., Served], tmp_path: Path
) -> None:
    (tmp_path / "neighbour.py").write_text("from llb.gateway import serve\n")
    served = program(f"{HEAD}from neighbour import serve\nsys.exit(serve(build))\n")
    assert_runs(served.definition, "make")


def test_an_exception_before_serving_is_the_error_of_the_build(
    program: Callable[..., Served], tmp_path: Path
) -> None:
    served = program("import nonesuch\n")
    assert served.status == 0
    message, _, line = error_of(served).partition("; at ")
    assert message == "the frontend crashed: ModuleNotFoundError: No module named 'nonesuch'"
    assert line.startswith(f"{tmp_path}/main.py:1 in <module>")


def test_a_program_that_does_not_serve_fails_the_build(
    program: Callable[..., Served],
) -> None:
    hint = "(hint: end the program with llb.gateway.serve(function))"
    for source, status in (("", 0), ("import sys\nsys.exit(3)\n", 3), ("raise SystemExit", 0)):
        served = program(source)
        assert served.status == 0
        assert error_of(served) == (
            f"the frontend main.py exited with status {status} without an answer {hint}"
        )


def test_an_exception_after_the_answer_goes_to_the_log(
    program: Callable[..., Served],
) -> None:
    served = program(f"{HEAD}serve(build)\nraise ValueError('late')\n")
    assert served.status == 0
    assert served.stderr.endswith("ValueError: late\n")
    assert_runs(served.definition, "make")


def test_the_exit_status_is_that_of_a_program_that_has_served(
    program: Callable[..., Served],
) -> None:
    assert program(f"{HEAD}serve(build)\nsys.exit(4)\n").status == 4
    assert program(f"{HEAD}serve(build)\nsys.exit('text')\n").status == 0


def test_an_exception_of_the_function_is_the_error_of_the_build(
    program: Callable[..., Served], tmp_path: Path
) -> None:
    served = program(f"{HEAD}sys.exit(serve(lambda request, gateway: request.options['none']))\n")
    assert (served.status, error_of(served)) == (
        0,
        f"the frontend crashed: KeyError: 'none'; at {tmp_path}/main.py:9 in <lambda>",
    )


def test_a_result_of_another_type_fails_the_build(
    program: Callable[..., Served],
) -> None:
    served = program(f"{HEAD}sys.exit(serve(lambda request, gateway: 'text'))\n")
    assert error_of(served).partition(";")[0] == (
        "the frontend crashed: TypeError: a frontend returned 'text', not a Result"
    )


@pytest.mark.parametrize("arguments", [[], ["one.py", "two.py"]])
def test_exactly_one_program_is_expected(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llb.gateway", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "error: expected the path of a program\n")


def test_a_program_started_by_hand_explains_itself(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(f"{HEAD}sys.exit(serve(build))\n")
    done = subprocess.run(
        [sys.executable, path],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: this is a BuildKit frontend, which a daemon starts\n"
        "hint: name its image in a '# syntax=' line, or build with the frontend gateway.v0\n"
    )
