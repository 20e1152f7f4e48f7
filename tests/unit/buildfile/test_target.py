"""Targets of a build file: their names, the default target, and their return values."""

from __future__ import annotations

import pytest

from llb.errors import InvalidValueError, LLBError, render
from llb.platforms import Platform
from tests.unit.buildfile.texts import HEAD, load, run_target

TWO = f"""{HEAD}
@target
def tools() -> State:
    '''The required tools.

    And more.
    '''
    return Scratch()

@target(default=True, name="the-app")
def app(build: Build, version: str = "1") -> State:
    return Scratch().mkfile("/version", version)
"""


def test_targets_have_names_descriptions_and_lines() -> None:
    assert [
        (
            target.name,
            target.description,
            target.is_default,
            list(target.lines)[:1],
            target.lines[-1],
        )
        for target in load(TWO)
    ] == [("tools", "The required tools.", False, [4], 10), ("the-app", "", True, [12], 14)]


@pytest.mark.parametrize("name", [None, "the-app", "The_App"])
def test_a_target_is_found_by_its_name_or_as_the_default(name: str | None) -> None:
    (part,) = run_target(TWO, target=name, args={"version": "2"})
    assert b"2" in part.tree.marshal().ops[0]


def test_a_target_called_by_another_gets_the_build_args() -> None:
    text = f"""{HEAD}
@target
def base(build: Build, greeting: str = "hello", *, name: str = "you") -> State:
    return Scratch().mkfile("/greeting", greeting + name)

@target(default=True)
def app() -> State:
    return base(name="me").mkfile("/more", "")
"""
    (part,) = run_target(text, args={"greeting": "bye", "name": "nobody"})
    assert b"byeme" in part.tree.marshal().ops[0]


def test_a_target_may_return_states_by_platform_or_name() -> None:
    text = f"""{HEAD}
from llb import Platform

@target
def platforms() -> dict[str, State]:
    return {{"linux/arm64": Scratch(), "linux/aarch64/v9": Scratch()}}

@target
def values() -> dict[Platform, State]:
    return {{Platform("linux", "riscv64"): Scratch()}}

@target
def names() -> dict[str, State]:
    return {{"docs": Scratch(), "wheels": Scratch()}}
"""
    assert [part.platform for part in run_target(text, target="platforms")] == [
        Platform("linux", "arm64"),
        Platform("linux", "arm64", "v9"),
    ]
    assert [part.platform for part in run_target(text, target="values")] == [
        Platform("linux", "riscv64")
    ]
    assert [part.name for part in run_target(text, target="names")] == ["docs", "wheels"]


def test_an_imported_target_belongs_to_the_file_that_imports_it() -> None:
    neighbour = f"{HEAD}@target\ndef lint() -> State:\n    return Scratch()\n"
    targets = load("from steps import lint\n", {"steps.py": neighbour})
    assert [(target.name, target.filename) for target in targets] == [("lint", "steps.py")]


RETURNS = """\
2 |     from llb.buildfile import Build, target
3 |
4 | >>> @target
5 |     def app():
6 |         {}
error: build.py:4: the target app returned {}, expected a State, or States by platform or by name"""


@pytest.mark.parametrize(
    ("line", "description"),
    [
        ("return 5", "a value of the type int"),
        ("pass", "nothing"),
        ("return {}", "a dict of nothing"),
        ("return {'a': 5, 'b': Scratch()}", "a dict of str: State, str: int"),
        ("return {'': Scratch()}", "a dict of str: State"),
        ("return [Scratch()]", "a value of the type list"),
    ],
)
def test_an_invalid_return_value_is_refused_at_its_target(line: str, description: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        run_target(f"{HEAD}\n@target\ndef app():\n    {line}\n")
    hint = "\nhint: it ends without return" if line == "pass" else ""
    assert render(caught.value) == RETURNS.format(line, description) + hint


def target_code(decorator: str, name: str) -> str:
    return f"@target{decorator}\ndef {name}() -> State:\n    return Scratch()\n"


@pytest.mark.parametrize(
    ("text", "name", "rendered"),
    [
        (
            "",
            None,
            (
                "error: the build file has no target\n"
                "hint: mark a function that returns a State with @target"
            ),
        ),
        (target_code("", "a"), "b", "error: unknown target b\nhint: available targets: a"),
        (target_code("", "apps"), "app", "error: unknown target app\nhint: did you mean apps?"),
        (
            target_code("", "a") + target_code("", "b"),
            None,
            (
                "error: no default target among a, b\n"
                "hint: mark one with @target(default=True), or name one for the build"
            ),
        ),
        (
            target_code("", "a") + target_code("", "a"),
            None,
            (
                "error: duplicate target a: build.py:3 and build.py:6\n"
                "hint: rename one of them: @target(name=…)"
            ),
        ),
        (
            target_code("", "my_app") + target_code("(name='my-App')", "b"),
            None,
            (
                "error: duplicate target my-App: build.py:3 and build.py:6\n"
                "hint: rename one of them: @target(name=…)"
            ),
        ),
        (
            target_code("(default=True)", "a") + target_code("(default=True)", "b"),
            None,
            "error: several default targets: a, b",
        ),
    ],
)
def test_missing_and_ambiguous_targets_are_refused(
    text: str, name: str | None, rendered: str
) -> None:
    with pytest.raises(LLBError) as caught:
        run_target(HEAD + text, target=name)
    assert render(caught.value) == rendered


def test_a_missing_build_arg_is_an_error_at_its_target() -> None:
    text = f"{HEAD}\n@target\ndef app(version: str) -> State:\n    return Scratch()\n"
    with pytest.raises(InvalidValueError) as caught:
        run_target(text)
    assert str(caught.value) == (
        "build.py:4: missing build arg version: expected a string (pass build_args={'version': …})"
    )
    assert caught.value.command_hint == "--build-arg version=…"


def test_the_hint_for_a_missing_build_arg_lists_its_values() -> None:
    parameter = 'channel: typing.Literal["stable", "beta"]'
    text = f"{HEAD}\nimport typing\n@target\ndef app({parameter}) -> State:\n    return Scratch()\n"
    with pytest.raises(InvalidValueError) as caught:
        run_target(text)
    assert caught.value.hint == "pass build_args={'channel': 'stable' | 'beta'}"
    assert caught.value.command_hint == "--build-arg channel=stable|beta"
