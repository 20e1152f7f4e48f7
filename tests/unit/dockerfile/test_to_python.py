"""``llb convert`` from a Dockerfile to Python."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from llb.cli import cli
from llb.dockerfile import DockerfileError, ImageTable
from llb.dockerfile.to_python import Fallback, rewrite
from llb.dockerfile.to_python.code_layout import (
    Interpolation,
    Items,
    Pairs,
    Word,
    call,
    layout,
    literal,
    statement,
)
from llb.errors import InputError
from llb.frontend.buildfiles.offline import convert
from tests.fakes.command import llb

GOLDEN = Path(__file__).parents[2] / "golden" / "rewrite"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.Dockerfile"))
CONFIG = '{"config":{"OnBuild":["RUN make"]},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}'
TABLE = json.dumps({"*": {"digest": "sha256:" + "a" * 64, "config": CONFIG}})


def body(dockerfile: str, **options: Any) -> str:
    """Convert a Dockerfile and drop the header above the first function."""
    source = rewrite(dockerfile, **options).source
    return source[source.index("@target") :]


@pytest.mark.parametrize("name", NAMES)
def test_dockerfiles_convert_to_the_golden_build_files(name: str) -> None:
    rewritten = rewrite((GOLDEN / f"{name}.Dockerfile").read_bytes())
    assert rewritten.source == (GOLDEN / f"{name}.py").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_golden_build_files_are_formatted(name: str) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    path = GOLDEN / f"{name}.py"
    done = subprocess.run(
        [ruff, "format", "--check", path], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_an_argument_without_a_default_may_be_none() -> None:
    assert body("FROM scratch\nARG A\nLABEL a=${A:-x} b=$A c=${A-y} d=${A+z}\n") == (
        "@target(default=True)\n"
        "def image(build: Build, A: str | None = None) -> State:\n"
        "    return (\n"
        "        build.scratch()\n"
        "        .pipe(instructions.args, A=A)\n"
        '        .label("a", A or "x")\n'
        '        .label("b", A or "")\n'
        '        .label("c", A if A is not None else "y")\n'
        '        .label("d", "z" if A is not None else "")\n'
        "    )\n"
    )


def test_operators_on_runtime_values_become_expressions() -> None:
    source = "FROM scratch\nARG A=1\nLABEL a=${A%%.*} b=${A#v} c=${A//a/b} d=${A:-${A+x}}\n"
    assert body(source) == (
        "@target(default=True)\n"
        'def image(build: Build, A: str = "1") -> State:\n'
        "    return (\n"
        "        build.scratch()\n"
        "        .pipe(instructions.args, A=A)\n"
        '        .label("a", A.split(".", 1)[0])\n'
        '        .label("b", A.removeprefix("v"))\n'
        '        .label("c", A.replace("a", "b"))\n'
        '        .label("d", A or "x")\n'
        "    )\n"
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("${B#$A}", "a variable in ${B#…}"),
        ("${A?x}", "unsupported operator in ${A?…}"),
        ("${A#a*b}", "unsupported operator in ${A#…}"),
        ("${A/'x'/y}", "unsupported operator in ${A/…}"),
    ],
)
def test_a_stage_with_an_unsupported_operator_stays_a_dockerfile(word: str, reason: str) -> None:
    rewritten = rewrite(f"FROM scratch\nARG A=1\nENV B=abc\nLABEL a={word}\n")
    assert rewritten.fallbacks == (Fallback("image", 4, reason),)


def test_an_argument_chooses_between_stages() -> None:
    source = "ARG KIND=dev\nFROM a AS base-dev\nFROM b AS base-prod\nFROM base-$KIND\n"
    assert body(source).endswith(
        "@target(default=True)\n"
        'def image(build: Build, KIND: str = "dev") -> State:\n'
        '    chosen = f"base-{KIND}"\n'
        '    stages = {"base-dev": base_dev, "base-prod": base_prod}\n'
        "    tree = instructions.from_stage(stages[chosen]()) if chosen in stages else build.image(chosen)\n"
        "    return tree\n"
    )


def test_function_names_are_unique() -> None:
    source = "FROM a AS build\nFROM b AS print\nFROM c AS x-1\nFROM d AS x.1\nFROM e\n"
    functions = [line for line in body(source).splitlines() if line.startswith(("@", "def"))]
    assert functions == [
        '@target(name="build")',
        "def build_stage(build: Build) -> State:",
        '@target(name="print")',
        "def print_stage(build: Build) -> State:",
        '@target(name="x-1")',
        "def x_1(build: Build) -> State:",
        '@target(name="x.1")',
        "def x_1_stage(build: Build) -> State:",
        "@target(default=True)",
        "def image(build: Build) -> State:",
    ]


def test_a_stage_based_on_an_image_with_onbuild_stays_a_dockerfile() -> None:
    rewritten = rewrite("FROM a\nRUN x\n", resolver=ImageTable.from_json(TABLE))
    assert rewritten.fallbacks == (Fallback("image", 1, "image a has ONBUILD instructions"),)
    assert rewrite("FROM a\nRUN x\n").fallbacks == ()


def test_a_frontend_is_named_if_it_is_chosen_or_the_dockerfile_names_its_own() -> None:
    def first(text: str, **options: Any) -> str:
        return rewrite(text, **options).source.partition("\n")[0]

    assert first("# syntax=docker/dockerfile:1.7\nFROM a\n") == "from llb import State"
    assert first("# syntax=me/own:1 x\nFROM a\n") == "# syntax=me/own:1 x"
    assert first("FROM a\n", syntax="other") == "# syntax=other"


def test_mistakes_in_the_dockerfile_are_reported() -> None:
    with pytest.raises(DockerfileError, match="unknown instruction: FOO"):
        rewrite("FROM a\nFOO\n")
    with pytest.raises(DockerfileError, match='target stage "y" could not be found'):
        rewrite("FROM a AS x\n", target="y")


def test_a_file_that_python_cannot_express_is_refused() -> None:
    with pytest.raises(InputError, match="bytes that are not UTF-8"):
        rewrite(b"FROM a\nRUN echo \xe9\n")
    with pytest.raises(InputError, match="Dockerfile:1: cannot convert to Python: all stages"):
        rewrite("ARG SOURCE_DATE_EPOCH=1\nFROM a\n")


def test_the_command_writes_a_file_and_reports_fallbacks(tmp_path: Path) -> None:
    source, output = tmp_path / "Dockerfile", tmp_path / "build.py"
    source.write_text("FROM alpine\nVOLUME relative\n")
    done = CliRunner().invoke(cli, ["convert", str(source), "-o", str(output)])
    assert done.exit_code == 0
    assert done.stderr == (
        "stage image stays a Dockerfile: line 2: volume relative is not an absolute path\n"
    )
    assert output.read_text() == rewrite(source.read_bytes()).source


def test_the_command_reads_standard_input_and_writes_standard_output() -> None:
    done = CliRunner().invoke(cli, ["convert", "-", "--target", "a"], input="FROM x AS a\nFROM a\n")
    assert done.exit_code == 0
    assert done.stdout == rewrite("FROM x AS a\nFROM a\n", target="a").source


def test_the_command_reports_mistakes_with_the_file_name(tmp_path: Path) -> None:
    source = tmp_path / "my.Dockerfile"
    source.write_text("FROM alpine\nBAD\n")
    done = CliRunner().invoke(cli, ["convert", str(source)])
    assert isinstance(done.exception, DockerfileError)
    assert str(done.exception) == f"{source}:2:1: unknown instruction: BAD (did you mean ADD?)"
    missing = CliRunner().invoke(cli, ["convert", str(tmp_path / "none")])
    assert str(missing.exception) == f"cannot read {tmp_path / 'none'}: No such file or directory"
    unwritable = CliRunner().invoke(cli, ["convert", "-", "-o", str(tmp_path)], input="FROM a\n")
    assert str(unwritable.exception) == f"cannot write {tmp_path}: Is a directory"


_strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(value=_strings, indent=st.sampled_from([0, 4, 40]))
def test_a_string_evaluates_to_itself_in_every_layout(value: str, indent: int) -> None:
    assert ast.literal_eval(f"({layout(literal(value), indent)})") == value
    code = statement("x = ", literal(value), 0)
    assert ast.literal_eval(code.removeprefix("x = ")) == value


@given(
    parts=st.lists(st.one_of(_strings, st.just(Interpolation("name"))), max_size=4), name=_strings
)
def test_a_string_with_expressions_evaluates_to_their_values(
    parts: list[str | Interpolation], name: str
) -> None:
    word = Word.of(*parts)
    expected = "".join(name if isinstance(part, Interpolation) else part for part in parts)
    assert eval(f"({layout(word, 8)})", {"name": name}) == expected


@given(values=st.lists(_strings, max_size=5))
def test_lists_dictionaries_and_calls_evaluate_to_themselves(values: list[str]) -> None:
    items = Items(tuple(map(literal, values)))
    pairs = Pairs(
        tuple((literal(str(number)), literal(value)) for number, value in enumerate(values))
    )
    code = layout(call("dict", a=items, b=pairs), 4)
    assert eval(code) == {"a": values, "b": {str(n): value for n, value in enumerate(values)}}


RESERVED = "FROM scratch\nARG class=1\nARG my.arg=2\nARG build=3\nARG ok=4\nLABEL a=$class-$ok\n"


def test_build_args_that_python_reserves_keep_their_names() -> None:
    source = rewrite(RESERVED).source
    assert [line.strip() for line in source.splitlines() if line.endswith("= None,")] == [
        'class_: Annotated[str | None, BuildArg("class")] = None,',
        'my_arg_: Annotated[str | None, BuildArg("my.arg")] = None,',
        'build_: Annotated[str | None, BuildArg("build")] = None,',
        "ok: str | None = None,",
    ]
    converted = convert(source, resolver=ImageTable({}), build_args={"class": "x", "my.arg": "y"})
    assert json.loads(converted.image_config)["config"]["Labels"] == {"a": "x-4"}


def test_a_build_file_reads_its_context_when_it_is_converted_back(tmp_path: Path) -> None:
    build_file = tmp_path / "ci" / "build.py"
    build_file.parent.mkdir()
    build_file.write_text(
        "from llb import State\nfrom llb.buildfile import Build, target\n\n@target\n"
        "def app(build: Build) -> State:\n"
        "    return build.scratch().label('version', build.read_text('VERSION'))\n"
    )
    (tmp_path / "VERSION").write_text("1.2")
    ran = llb("convert", build_file, "--to", "dockerfile", "--context", tmp_path)
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout == "FROM scratch\nLABEL version=1.2\n"
    missing = llb("convert", build_file, "--to", "dockerfile")
    assert "no such file: VERSION" in missing.stderr
    refused = llb("convert", build_file, "--to", "dockerfile", "--context", tmp_path / "none")
    assert refused.stderr == f"error: build context: no such directory: {tmp_path}/none\n"
