"""Frontends for your own language, from a function."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from llb import Scratch, State
from llb.errors import InvalidValueError, RemoteError
from llb.frontend import Build, Source, frontend
from llb.gateway import Result
from llb.testing.failures import Failed
from llb.testing.gateway import Outcome, run_frontend
from llb.testing.graphs import assert_runs, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.frontend.authoring.decorator import Frontend
    from llb.gateway import Gateway, Request

APP = """\
[app]
base = "alpine"
run = "make"

[docs]
base = "debian"
run = "make docs"
"""


def parse(source: Source) -> dict[str, Any]:
    return tomllib.loads(source.text)


def targets(source: Source) -> dict[str, str]:
    return {name: f"Builds on {image['base']}." for name, image in parse(source).items()}


@frontend(filename="app.toml", language="TOML", targets=targets)
def toml(build: Build, version: str = "dev", *, strip: bool = False) -> State:
    """Build an image of a file."""
    if build.target not in parse(build.source):
        raise build.source.error("there is nothing to build", line=1, word="app")
    image = parse(build.source)[build.target]
    state = build.image(image["base"]).env("VERSION", version)
    state = state.run(image["run"], **build.source.at(3))
    return state.run("strip") if strip else state


def run(
    function: Frontend = toml,
    options: Mapping[str, str] | None = None,
    *,
    text: str = APP,
    filename: str = "app.toml",
    **fields: Any,
) -> Outcome:
    return run_frontend(function, options, files={filename: text}, **fields)


def answer(
    name: str, function: Frontend = toml, options: Mapping[str, str] | None = None
) -> tuple[str, dict[str, Any]]:
    """Send a subrequest; return the text and the value of its answer."""
    request = {"requestid": f"frontend.{name}", **(options or {})}
    metadata = run(function, request).checked().metadata
    return metadata["result.txt"].decode(), json.loads(metadata["result.json"])


def test_the_first_target_of_the_file_is_built() -> None:
    outcome = run()
    assert_runs(outcome.definition, "make")
    assert "VERSION=dev" in outcome.image_config["config"]["Env"]


def test_the_client_chooses_the_target_and_its_build_args() -> None:
    options = {"target": "docs", "build-arg:version": "2", "build-arg:strip": "true"}
    outcome = run(options=options)
    assert_runs(outcome.definition, "make docs")
    assert_runs(outcome.definition, "strip")
    assert "VERSION=2" in outcome.image_config["config"]["Env"]


def test_the_client_chooses_the_file() -> None:
    outcome = run(options={"filename": "other.toml"}, filename="other.toml")
    assert_runs(outcome.definition, "make")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "doc"}, "unknown target doc (hint: did you mean docs?)"),
        (
            {"build-arg:strip": "maybe"},
            "invalid build arg strip=maybe: expected true or false",
        ),
    ],
)
def test_an_invalid_option_is_refused(options: dict[str, str], message: str) -> None:
    error = run(options=options).error
    assert error is not None
    assert error.message == message


def test_an_error_points_at_a_line_and_a_word_of_the_file() -> None:
    @frontend(filename="app.toml")
    def failing(build: Build) -> State:
        raise build.source.error("that is wrong", line=3, word="make", hint="not so")

    error = run(failing).error
    assert error is not None
    assert (error.message, str(error.span)) == ("that is wrong (hint: not so)", "app.toml:3:8")
    assert error.span is not None
    assert error.span.width == 4


@pytest.mark.parametrize(("line", "word"), [(3, "nonesuch"), (3, None), (99, "make")])
def test_an_error_without_a_word_points_at_the_line(line: int, word: str | None) -> None:
    source = Source(toml_file := _file(APP))
    error = source.error("that is wrong", line=line, word=word)
    assert error.span is not None
    assert (error.span.line, error.span.column, error.span.width) == (line, None, 1)
    assert source.name == toml_file.filename


def _file(text: str) -> Any:
    from llb import SourceFile

    return SourceFile("app.toml", text.encode())


def test_a_file_that_is_not_utf8_is_refused() -> None:
    error = run_frontend(toml, files={"app.toml": b"a\xff"}).error
    assert error is not None
    assert error.message == "app.toml is not UTF-8: invalid start byte at byte 1"


def test_a_failing_step_points_at_its_line() -> None:
    outputs = {"run make": Failed(exit_code=2)}

    @frontend(filename="app.toml")
    def reading(build: Build) -> State:
        built = build.image("alpine").run("make", **build.source.at(3))
        return Scratch().mkfile("/a", build.read_bytes("/a", built))

    error = run(reading, outputs=outputs).error
    assert error is not None
    assert (error.exit_code, str(error.span)) == (2, "app.toml:3")


def test_an_exception_of_the_function_is_a_crash() -> None:
    @frontend(filename="app.toml")
    def failing(build: Build) -> State:
        raise KeyError(build.target)

    outcome = run(failing)
    assert isinstance(outcome.exception, KeyError)
    assert outcome.error is not None
    assert outcome.error.message.startswith("the frontend crashed: KeyError: 'default'; at ")


def test_errors_of_the_library_and_the_daemon_fail_the_build() -> None:
    for raised in (InvalidValueError("mine"), RemoteError("theirs", code=2)):

        @frontend(filename="app.toml")
        def failing(_: Build, error: str = "") -> State:
            raise raised  # noqa: B023 - it is called before the next turn

        failure = run(failing).error
        assert failure is not None
        assert failure.message == str(raised)


def test_a_function_without_targets_builds_any_target() -> None:
    @frontend
    def plain(build: Build) -> State:
        return Scratch().mkfile("/target", build.target)

    outcome = run(plain, filename="Dockerfile")
    (step, *_) = outcome.definition.vertices()
    assert step.op["actions"][0]["mkfile"]["data"] == b"default"
    named = run(plain, {"target": "other"}, filename="Dockerfile")
    (step, *_) = named.definition.vertices()
    assert step.op["actions"][0]["mkfile"]["data"] == b"other"


def test_a_function_may_return_states_by_name_or_platform() -> None:
    @frontend
    def names() -> dict[str, State]:
        return {"a": Scratch().mkfile("/a", "1"), "b": Scratch().mkfile("/b", "1")}

    @frontend
    def platforms() -> dict[str, State]:
        return {"linux/arm64": Scratch().mkfile("/a", "1")}

    collected = steps(run(names, filename="Dockerfile").definition)
    assert [step.name for step in collected if step.name] == ["collect a", "collect b"]
    outcome = run(platforms, filename="Dockerfile")
    assert outcome.checked().metadata["refs.platforms"]


def test_targets_are_listed_with_their_descriptions() -> None:
    text, value = answer("targets")
    assert text == (
        "TARGET        DESCRIPTION\n"
        "app (default) Builds on alpine.\n"
        "docs          Builds on debian.\n"
    )
    assert [target["name"] for target in value["targets"]] == ["app", "docs"]


def test_parameters_of_the_function_are_build_args() -> None:
    text, value = answer("outline", options={"build-arg:version": "3"})
    assert text == (
        "TARGET:      app\n"
        "DESCRIPTION: Builds on alpine.\n"
        "\n"
        "BUILD ARG   VALUE   DESCRIPTION\n"
        "version     3       \n"
        "strip       false   \n"
        "\n"
    )
    assert value["name"] == "app"


def test_a_function_is_linted() -> None:
    @frontend(filename="app.toml")
    def function(build: Build, password: str = "") -> State:
        build.warn("old")
        return Scratch()

    _, value = answer("lint", function)
    assert [warning["ruleName"] for warning in value["warnings"]] == [
        "SecretsUsedInBuildArgs",
        "BuildFileWarning",
    ]


def test_a_build_is_forwarded_to_the_frontend_that_its_file_names() -> None:
    def other(request: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(Scratch().mkfile("/by", request.options["cmdline"]).marshal()))

    outcome = run(text="# syntax=example.com/other\n", frontends={"example.com/other": other})
    (step, *_) = outcome.definition.vertices()
    assert step.op["actions"][0]["mkfile"]["data"] == b"example.com/other"
