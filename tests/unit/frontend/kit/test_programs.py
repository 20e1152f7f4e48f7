"""A program that serves a frontend is loaded into the process of a client."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from llb.errors import BuildFileError, InputError
from llb.frontend.kit import load
from llb.frontend.kit.programs import author_errors, default_filename
from llb.gateway import Request
from llb.testing import FakeGateway
from llb.testing.gateway import run_frontend
from llb.testing.graphs import assert_runs

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
import sys
from llb import Image
from llb.gateway import Result, serve

def build(request, gateway):
    state = Image("alpine").run(request.options["do"])
    return Result(gateway.solve(state.marshal()))

"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path for a program; ``sys.path`` is restored afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "main.py"


@pytest.mark.parametrize(
    ("source", "filename"),
    [
        ("@frontend(language='TOML', filename='app.toml')\ndef build(build): ...\n", "app.toml"),
        ("@kit.frontend(filename='a')\nasync def build(build): ...\n", "a"),
        ("@frontend(filename=NAME)\ndef build(build): ...\n", None),
        ("@frontend\ndef build(build): ...\n", None),
        ("@other(filename='a')\ndef build(build): ...\n", None),
        ("def build(:\n", None),
        ("\0", None),
    ],
)
def test_the_default_file_of_a_program_is_read(
    source: str, filename: str | None, program: Path
) -> None:
    program.write_text(source)
    assert default_filename(program) == filename


@pytest.mark.parametrize(
    "end", ["sys.exit(serve(build))", "serve(build)", "serve(build); sys.exit(3)"]
)
def test_the_served_function_is_the_frontend(program: Path, end: str) -> None:
    program.write_text(f"{HEAD}if __name__ == '__main__':\n    {end}\n")
    outcome = run_frontend(load(program), {"do": "make"})
    assert_runs(outcome.definition, "make")


def test_modules_in_the_folder_of_the_program_are_imported(program: Path) -> None:
    (program.parent / "loaded_neighbour.py").write_text("from llb.gateway import serve\n")
    program.write_text(f"{HEAD}from loaded_neighbour import serve\nserve(build)\n")
    assert load(str(program)).__name__ == "build"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{} does not serve a frontend"),
        ("import sys\nsys.exit()\n", "{} does not serve a frontend"),
        ("import sys\nsys.exit(2)\n", "{} exits with status 2 without serving a frontend"),
    ],
)
def test_a_program_that_does_not_serve_is_refused(program: Path, text: str, message: str) -> None:
    program.write_text(text)
    with pytest.raises(InputError) as caught:
        load(program)
    assert caught.value.message == message.format(program)


def test_a_missing_program_is_refused(program: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(program)
    assert caught.value.message == f"no such program: {program}"


def test_an_exception_of_the_program_is_raised(program: Path) -> None:
    program.write_text("raise ValueError('mine')\n")
    with pytest.raises(ValueError, match=r"^mine$"):
        load(program)


def test_an_exception_shows_the_files_of_the_program(program: Path) -> None:
    (program.parent / "helper.py").write_text("def command(request):\n    return request + 1\n")
    program.write_text(
        "import helper\n"
        + HEAD.replace('request.options["do"]', "helper.command(request)")
        + "serve(build)"
    )
    function = load(program)
    with FakeGateway() as gateway, pytest.raises(BuildFileError) as caught, author_errors(program):
        function(Request(), gateway.connect())
    error = caught.value
    assert error.message == "TypeError: unsupported operand type(s) for +: 'Request' and 'int'"
    assert [line.strip() for line in error.trace if line.startswith("  File")] == [
        'File "main.py", line 7, in build',
        'File "helper.py", line 2, in command',
    ]
    assert error.span is not None
    assert (error.span.filename, error.span.line) == ("helper.py", 2)


def test_a_cause_shows_the_files_of_the_program(program: Path) -> None:
    (program.parent / "lookup.py").write_text("def command():\n    return {}['x']\n")
    source = (
        "import lookup\ntry:\n    lookup.command()\nexcept KeyError as error:\n    cause = error\n"
    )
    program.write_text(f"{source}raise ValueError('outer') from cause\n")
    with pytest.raises(BuildFileError) as caught, author_errors(program):
        load(program)
    assert "caused by: KeyError: 'x'" in caught.value.trace
    assert any(line.startswith('  File "lookup.py", line 2') for line in caught.value.trace)


def test_an_error_of_this_package_stays_what_it_is(program: Path) -> None:
    with pytest.raises(InputError) as caught, author_errors(program):
        load(program)
    assert caught.value.span is None
