"""Targets of a build file: which there are, which is built, and what they may return."""

from __future__ import annotations

import pytest

from llb.errors import InvalidValueError, LLBError, render
from llb.platforms import Platform
from tests.unit.buildfile.texts import HEAD, load, make

TWO = f"""{HEAD}
@target
def tools() -> State:
    '''What is needed.

    And more.
    '''
    return Scratch()

@target(default=True, name="the-app")
def app(build: Build, version: str = "1") -> State:
    return Scratch().mkfile("/version", version)
"""


def test_targets_have_names_descriptions_and_lines() -> None:
    assert [
        (each.name, each.description, each.is_default, list(each.lines)[:1], each.lines[-1])
        for each in load(TWO)
    ] == [("tools", "What is needed.", False, [4], 10), ("the-app", "", True, [12], 14)]


@pytest.mark.parametrize("name", [None, "the-app", "The_App"])
def test_a_target_is_found_by_its_name_or_as_the_default(name: str | None) -> None:
    (part,) = make(TWO, target=name, args={"version": "2"})
    assert b"2" in part.tree.marshal().ops[0]


def test_a_target_that_calls_another_gives_it_the_build_args() -> None:
    text = f"""{HEAD}
@target
def base(build: Build, greeting: str = "hello", *, name: str = "you") -> State:
    return Scratch().mkfile("/greeting", greeting + name)

@target(default=True)
def app() -> State:
    return base(name="me").mkfile("/more", "")
"""
    (part,) = make(text, args={"greeting": "bye", "name": "nobody"})
    assert b"byeme" in part.tree.marshal().ops[0]


def test_a_tree_may_be_made_for_each_platform_or_name() -> None:
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
    assert [each.platform for each in make(text, target="platforms")] == [
        Platform("linux", "arm64"),
        Platform("linux", "arm64", "v9"),
    ]
    assert [each.platform for each in make(text, target="values")] == [Platform("linux", "riscv64")]
    assert [each.name for each in make(text, target="names")] == ["docs", "wheels"]


def test_a_target_of_a_neighbour_is_one_of_the_file_that_imports_it() -> None:
    neighbour = f"{HEAD}@target\ndef lint() -> State:\n    return Scratch()\n"
    found = load("from steps import lint\n", {"steps.py": neighbour})
    assert [(each.name, each.filename) for each in found] == [("lint", "steps.py")]


RETURNS = """\
error: build.py:4: the target app returned {}, expected a State, or States by platform or by name
2 |     from llb.buildfile import Build, target
3 |
4 | >>> @target
5 |     def app():
6 |         {}"""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("return 5", "a value of the type int"),
        ("pass", "nothing"),
        ("return {}", "a dict of nothing"),
        ("return {'a': 5, 'b': Scratch()}", "a dict of str: State, str: int"),
        ("return {'': Scratch()}", "a dict of str: State"),
        ("return [Scratch()]", "a value of the type list"),
    ],
)
def test_what_is_no_result_is_refused_at_its_target(line: str, shown: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make(f"{HEAD}\n@target\ndef app():\n    {line}\n")
    hint = "\nhint: it ends without return" if line == "pass" else ""
    assert render(caught.value) == RETURNS.format(shown, line) + hint


def one(decorator: str, name: str) -> str:
    return f"@target{decorator}\ndef {name}() -> State:\n    return Scratch()\n"


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        (
            "",
            None,
            (
                "error: the build file has no target\n"
                "hint: mark a function that returns a State with @target"
            ),
        ),
        (one("", "a"), "b", "error: there is no target b\nhint: there are a"),
        (one("", "apps"), "app", "error: there is no target app\nhint: did you mean apps?"),
        (
            one("", "a") + one("", "b"),
            None,
            (
                "error: none of the targets is the default: a, b\n"
                "hint: mark one with @target(default=True), or name one with --target"
            ),
        ),
        (
            one("", "a") + one("", "a"),
            None,
            (
                "error: two targets are called a: build.py:3 and build.py:6\n"
                "hint: give one of them another name: @target(name=…)"
            ),
        ),
        (
            one("", "my_app") + one("(name='my-App')", "b"),
            None,
            (
                "error: two targets are called my-App: build.py:3 and build.py:6\n"
                "hint: give one of them another name: @target(name=…)"
            ),
        ),
        (
            one("(default=True)", "a") + one("(default=True)", "b"),
            None,
            "error: several targets are the default: a, b",
        ),
    ],
)
def test_targets_that_cannot_be_told_apart_are_refused(
    text: str, name: str | None, told: str
) -> None:
    with pytest.raises(LLBError) as caught:
        make(HEAD + text, target=name)
    assert render(caught.value) == told


def test_a_build_arg_that_is_missing_is_named_at_its_target() -> None:
    text = f"{HEAD}\n@target\ndef app(version: str) -> State:\n    return Scratch()\n"
    with pytest.raises(InvalidValueError) as caught:
        make(text)
    assert str(caught.value) == "build.py:4: the build arg version is not given: expected a text"
    assert caught.value.hint == "--build-arg version=…"
