"""Subrequests for function targets: targets, outline, lint and convertllb."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.frontend.builds import APP, HEAD, error_of, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.testing.gateway import Outcome

TARGETS = f"""{HEAD}from enum import Enum
from typing import Annotated

class Color(Enum):
    RED = "red"
    BLUE = "blue"

@target
def tools(build: Build, jobs: int = 4) -> State:
    '''Everything that is needed.'''
    return build.image("alpine").run("true", mounts=[secret("token", optional=True), ssh("deploy")])

@target(default=True)
def app(color: Annotated[Color, "of the paint"] = Color.RED) -> State:
    needed = [secret("token"), secret("other", optional=True)]
    return tools().run("true", mounts=needed)
"""
TOOLS, NEEDS, DECORATOR = 11, 14, 16


def subrequest(name: str, text: str = TARGETS, options: Mapping[str, str] | None = None) -> Outcome:
    return run(text, {"requestid": f"frontend.{name}", **(options or {})})


def text_of(outcome: Outcome) -> str:
    return outcome.checked().metadata["result.txt"].decode()


def value_of(outcome: Outcome) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(outcome.checked().metadata["result.json"])
    return value


def lines(first: int, last: int) -> dict[str, Any]:
    numbers = range(first, last + 1)
    return {"ranges": [{"start": {"line": line}, "end": {"line": line}} for line in numbers]}


def test_targets_are_listed_with_their_descriptions_and_lines() -> None:
    outcome = subrequest("targets")
    assert text_of(outcome) == (
        "TARGET        DESCRIPTION\ntools         Everything that is needed.\napp (default) \n"
    )
    assert value_of(outcome)["targets"] == [
        {
            "name": "tools",
            "description": "Everything that is needed.",
            "location": lines(TOOLS, TOOLS + 3),
        },
        {"name": "app", "default": True, "location": lines(DECORATOR, DECORATOR + 3)},
    ]


def test_targets_without_a_default_are_listed_too() -> None:
    text = f"{HEAD}" + "".join(
        f"@target\ndef {name}() -> State:\n    return Scratch()\n" for name in ("one", "two")
    )
    assert text_of(subrequest("targets", text)) == "TARGET DESCRIPTION\none    \ntwo    \n"


def test_an_outline_covers_all_called_targets() -> None:
    outcome = subrequest("outline", options={"build-arg:color": "blue"})
    assert text_of(outcome) == (
        "TARGET: app\n"
        "\n"
        "BUILD ARG   VALUE   DESCRIPTION\n"
        "color       blue    of the paint: one of red, blue\n"
        "jobs        4       \n"
        "\n"
        "SECRET   REQUIRED\n"
        "token    true\n"
        "other    \n"
        "\n"
        "SSH      REQUIRED\n"
        "deploy   true\n"
        "\n"
    )
    value = value_of(outcome)
    assert value["args"] == [
        {
            "name": "color",
            "description": "of the paint: one of red, blue",
            "value": "blue",
            "location": lines(DECORATOR, DECORATOR + 3),
        },
        {"name": "jobs", "value": "4", "location": lines(TOOLS, TOOLS + 3)},
    ]
    assert value["secrets"] == [
        {"name": "token", "required": True, "location": lines(NEEDS, NEEDS)},
        {"name": "other", "location": lines(DECORATOR + 3, DECORATOR + 3)},
    ]
    assert value["ssh"] == [{"name": "deploy", "required": True, "location": lines(NEEDS, NEEDS)}]


def test_an_outline_of_another_target() -> None:
    outcome = subrequest("outline", options={"target": "tools"})
    assert [arg["name"] for arg in value_of(outcome)["args"]] == ["jobs"]
    assert value_of(outcome)["description"] == "Everything that is needed."


def test_an_outline_needs_no_required_arguments() -> None:
    text = f"{HEAD}@target\ndef app(version: str, jobs: int = 1) -> State:\n    return 1 / 0\n"
    assert text_of(subrequest("outline", text)) == (
        "TARGET: app\n\nBUILD ARG   VALUE   DESCRIPTION\nversion             \njobs        1       \n\n"
    )


def test_an_outline_of_a_failing_target_is_its_error() -> None:
    error = error_of(subrequest("outline", f"{APP}    return 1 / 0\n"))
    assert error.message == "ZeroDivisionError: division by zero"
    assert str(error.span) == "build.py:7"


def test_an_unknown_target_is_refused_with_the_nearest_name() -> None:
    error = error_of(subrequest("outline", options={"target": "tool"}))
    assert error.message == "unknown target tool (hint: did you mean tools?)"


def test_the_subrequests_are_described() -> None:
    outcome = subrequest("subrequests.describe")
    assert text_of(outcome) == (
        "NAME                 VERSION DESCRIPTION\n"
        "outline              1.0.0   List all parameters current build target supports\n"
        "targets              1.0.0   List all targets current build supports\n"
        "subrequests.describe 1.0.0   List available subrequest types\n"
    )


def test_a_target_is_converted_to_the_steps_of_its_build() -> None:
    value = value_of(subrequest("convertllb", f"{APP}    return Scratch().mkfile('/a', 'b')\n"))
    (operation,) = (op for op in value["def"].values() if "file" in op)
    (action,) = operation["file"]["actions"]
    assert action["mkfile"]["path"] == "/a"


def test_several_states_are_not_converted() -> None:
    text = f"{APP}    return {{'my-docs': Scratch(), 'wheel': Scratch()}}\n"
    assert error_of(subrequest("convertllb", text)).message == (
        "the target app returns several states: only one can be converted "
        "(hint: choose another target than app)"
    )


@pytest.mark.parametrize("text", [TARGETS, f"{HEAD}syntax error"])
def test_an_unknown_subrequest_is_refused(text: str) -> None:
    assert error_of(subrequest("nonesuch", text)).message == "unsupported request frontend.nonesuch"
