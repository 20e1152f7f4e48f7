"""What ``llb build`` does with a Python file: its frontend, this process, or a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from llb.cli.build_files import Selected, select
from llb.cli.frontend_options import FrontendOptions
from llb.errors import Hint, InputError, RemoteError, Span

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "from llb.buildfile import target\n\n\n@target\ndef app(build):\n    ...\n"
SYNTAX = "# syntax=me/own:1\n"
SCRIPT = "from llb import Image, main\nmain(Image('a'))\n"


def options(
    dockerfile: str | None = None,
    frontend: str | None = None,
    *,
    evaluate_here: bool = False,
    build_args: dict[str, str] | None = None,
) -> FrontendOptions:
    return FrontendOptions(
        dockerfile=dockerfile,
        frontend=frontend,
        evaluate_here=evaluate_here,
        opt={},
        target=None,
        platforms=(),
        build_args=build_args or {},
        contexts={},
        labels={},
        no_cache_stages=(),
        pull=False,
        hosts=(),
        network=None,
        shm_size=None,
        ulimits=(),
        cgroup_parent=None,
        resources=(),
        attests=(),
        provenance=None,
        sbom=None,
        call=None,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "build.py"


def chosen(selected: Selected) -> tuple[str, str | None, bool]:
    """Shorten a selection: the source, the file, and whether it is evaluated here."""
    return selected.source, selected.frontend.dockerfile, selected.function is not None


@pytest.mark.parametrize(
    ("text", "here", "expected"),
    [
        (TARGET, False, (".", "build.py", True)),
        (f"\ufeff{TARGET}", False, (".", "build.py", True)),
        (TARGET, True, (".", "build.py", True)),
        (SYNTAX + TARGET, False, (".", "build.py", False)),
        (f"\ufeff{SYNTAX}{TARGET}", False, (".", "build.py", False)),
        (SYNTAX + TARGET, True, (".", "build.py", True)),
        (SYNTAX + "from ci import app\n", False, (".", "build.py", False)),
        (SCRIPT, False, ("build.py", None, False)),
    ],
)
def test_a_python_file_is_evaluated_here_unless_it_names_a_frontend(
    file: Path,
    text: str,
    expected: tuple[str, str | None, bool],
    monkeypatch: pytest.MonkeyPatch,
    *,
    here: bool,
) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text(text)
    assert chosen(select("build.py", options(evaluate_here=here))) == expected


def test_a_named_file_is_a_build_file_whatever_it_contains(file: Path) -> None:
    file.write_text("from ci import app\n")
    assert chosen(select("ctx", options(str(file)))) == ("ctx", str(file), True)
    file.write_text(SYNTAX)
    assert chosen(select("ctx", options(str(file)))) == ("ctx", str(file), False)


def test_options_can_name_a_frontend(file: Path) -> None:
    file.write_text(TARGET)
    by_argument = options(str(file), build_args={"BUILDKIT_SYNTAX": "me/own"})
    assert chosen(select("ctx", by_argument)) == ("ctx", str(file), False)
    by_name = options(str(file), "gateway.v0")
    assert chosen(select("ctx", by_name)) == ("ctx", str(file), False)


def test_a_dockerfile_is_built_by_its_frontend_unless_it_is_evaluated_here(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM a\n")
    assert chosen(select(str(tmp_path), options())) == (str(tmp_path), None, False)
    here = select(str(tmp_path), options(str(dockerfile), evaluate_here=True))
    assert chosen(here) == (str(tmp_path), str(dockerfile), True)
    assert chosen(select(str(tmp_path), options(evaluate_here=True)))[2]


def test_a_file_in_an_archive_is_evaluated_here_on_request(file: Path) -> None:
    assert chosen(select("-", options("build.py"))) == ("-", "build.py", False)
    assert chosen(select("-", options("build.py", evaluate_here=True))) == ("-", "build.py", True)


def test_a_file_that_cannot_be_read_is_left_to_the_build(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.py")
    assert chosen(select(missing, options())) == (missing, None, False)


@pytest.mark.parametrize("name", ["build.py", "build.pb"])
def test_only_files_with_a_language_can_be_evaluated_here(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(SCRIPT)
    with pytest.raises(click.UsageError) as caught:
        select(str(path), options(evaluate_here=True))
    assert caught.value.message == (
        f"--evaluate-here is for build files and Dockerfiles, not for {path}"
    )


def test_a_frontend_cannot_be_chosen_for_a_file_that_is_evaluated_here() -> None:
    with pytest.raises(click.UsageError) as caught:
        select(".", options(None, "gateway.v0", evaluate_here=True))
    assert caught.value.message == "--evaluate-here and --frontend cannot be combined"


def test_a_file_with_a_syntax_line_that_selects_nothing_is_evaluated_only_on_request(
    file: Path,
) -> None:
    file.write_text(f'"""Build it."""\n{SYNTAX}{TARGET}')
    with pytest.raises(InputError) as caught:
        select(str(file), options())
    assert caught.value.message == (
        f"{file}:2: this line does not select the frontend me/own:1: only the first lines of a file "
        "can"
    )
    assert "--evaluate-here" in (caught.value.hint or "")
    assert chosen(select(str(file), options(evaluate_here=True))) == (".", str(file), True)


def test_a_script_with_a_misplaced_syntax_line_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "build.py"
    file.write_text("\n# syntax=me/own:1\nimport llb\nllb.main(llb.Scratch())\n")
    with pytest.raises(InputError, match="does not select the frontend me/own:1") as caught:
        select(str(file), options())
    assert caught.value.hint == "move it up, or remove it from the script"


HERE = (
    "the file names this frontend: make its image with `llb frontend image -t me/own:1 --push`, or "
    "evaluate the file in this process, with your rights: --evaluate-here"
)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (None, HERE),
        ("log in", f"log in; {HERE}"),
        (Hint("call login()", command="log in"), f"log in; {HERE}"),
    ],
)
def test_an_error_about_the_syntax_line_has_a_hint(
    file: Path, hint: str | None, expected: str
) -> None:
    file.write_text(f"#!/usr/bin/env llb\n{SYNTAX}{TARGET}")
    error = RemoteError("not found", code=5, span=Span("build.py", "", 2), hint=hint)
    select(str(file), options()).explain(error)
    assert error.hint == expected


def test_other_errors_have_no_hint(file: Path) -> None:
    file.write_text(SYNTAX + TARGET)
    selected = select(str(file), options())
    other_line = RemoteError("exit 1", code=2, span=Span("build.py", "", 5))
    without_line = RemoteError("exit 1", code=2)
    own = InputError("no such file", span=Span("build.py", "", 1))
    for error in (other_line, without_line, own):
        selected.explain(error)
        assert error.hint is None
