"""A frontend for a language of one's own, made of a function."""

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
from llb.testing.graphs import assert_runs

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
    return {name: f"Builds on {each['base']}." for name, each in parse(source).items()}


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
    **given: Any,
) -> Outcome:
    return run_frontend(function, options, files={filename: text}, **given)


def answer(
    name: str, function: Frontend = toml, options: Mapping[str, str] | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the text and the value of an answer."""
    asked = {"requestid": f"frontend.{name}", **(options or {})}
    metadata = run(function, asked).checked().metadata
    return metadata["result.txt"].decode(), json.loads(metadata["result.json"])


def test_the_first_target_of_the_file_is_built() -> None:
    outcome = run()
    assert_runs(outcome.definition, "make")
    assert "VERSION=dev" in outcome.image_config["config"]["Env"]


def test_a_target_and_its_build_args_are_chosen_by_the_client() -> None:
    options = {"target": "docs", "build-arg:version": "2", "build-arg:strip": "true"}
    outcome = run(options=options)
    assert_runs(outcome.definition, "make docs")
    assert_runs(outcome.definition, "strip")
    assert "VERSION=2" in outcome.image_config["config"]["Env"]


def test_another_file_is_read_where_the_client_names_it() -> None:
    outcome = run(options={"filename": "other.toml"}, filename="other.toml")
    assert_runs(outcome.definition, "make")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "doc"}, "there is no target doc (hint: did you mean docs?)"),
        (
            {"build-arg:strip": "maybe"},
            "invalid build arg strip=maybe: expected true or false",
        ),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, str], message: str) -> None:
    error = run(options=options).error
    assert error is not None
    assert error.message == message


def test_an_error_points_at_the_line_and_the_word_of_the_file() -> None:
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


def test_a_file_that_is_not_text_is_refused() -> None:
    error = run_frontend(toml, files={"app.toml": b"a\xff"}).error
    assert error is not None
    assert error.message == "app.toml is not UTF-8: invalid start byte at byte 1"


def test_a_step_that_fails_points_at_the_line_that_made_it() -> None:
    outputs = {"run make": Failed(exit_code=2)}

    @frontend(filename="app.toml")
    def reading(build: Build) -> State:
        made = build.image("alpine").run("make", **build.source.at(3))
        return Scratch().mkfile("/a", build.read_bytes("/a", made))

    error = run(reading, outputs=outputs).error
    assert error is not None
    assert (error.exit_code, str(error.span)) == (2, "app.toml:3")


def test_an_exception_of_the_function_is_a_crash_with_its_place() -> None:
    @frontend(filename="app.toml")
    def failing(build: Build) -> State:
        raise KeyError(build.target)

    outcome = run(failing)
    assert isinstance(outcome.exception, KeyError)
    assert outcome.error is not None
    assert outcome.error.message.startswith("the frontend crashed: KeyError: 'default'; at ")


def test_errors_of_the_library_and_of_the_daemon_are_those_of_the_build() -> None:
    for raised in (InvalidValueError("mine"), RemoteError("theirs", code=2)):

        @frontend(filename="app.toml")
        def failing(_: Build, error: str = "") -> State:
            raise raised  # noqa: B023 - it is called before the next turn

        found = run(failing).error
        assert found is not None
        assert found.message == str(raised)


def test_a_function_without_targets_builds_what_is_asked_for() -> None:
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

    assert list(run(names, filename="Dockerfile").definitions) == ["a", "b"]
    found = run(platforms, filename="Dockerfile")
    assert found.checked().metadata["refs.platforms"]


def test_targets_are_listed_with_what_is_said_of_them() -> None:
    text, value = answer("targets")
    assert text == (
        "TARGET        DESCRIPTION\n"
        "app (default) Builds on alpine.\n"
        "docs          Builds on debian.\n"
    )
    assert [target["name"] for target in value["targets"]] == ["app", "docs"]


def test_a_target_can_be_given_the_parameters_of_the_function() -> None:
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
    assert [each["ruleName"] for each in value["warnings"]] == [
        "SecretsUsedInBuildArgs",
        "BuildFileWarning",
    ]


def test_a_file_that_names_another_frontend_is_built_by_it() -> None:
    def other(request: Request, gateway: Gateway) -> Result:
        return Result(gateway.solve(Scratch().mkfile("/by", request.options["cmdline"]).marshal()))

    outcome = run(text="# syntax=example.com/other\n", frontends={"example.com/other": other})
    (step, *_) = outcome.definition.vertices()
    assert step.op["actions"][0]["mkfile"]["data"] == b"example.com/other"
