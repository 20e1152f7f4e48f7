"""The guide to recipes: its code builds states, and its table lists every recipe and option."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import State, recipes
from llb.recipes import apk, apt, cargo, go, npm, pip, uv

if TYPE_CHECKING:
    from collections.abc import Callable

GUIDE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
FUNCTIONS: dict[str, Callable[..., State]] = {
    "apt.install": apt.install,
    "apk.add": apk.add,
    "pip.install": pip.install,
    "uv.sync": uv.sync,
    "npm.ci": npm.ci,
    "go.build": go.build,
    "cargo.build": cargo.build,
    "expect_file": recipes.expect_file,
    "expect_command": recipes.expect_command,
}


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_of_the_guide_builds_a_state(block: str) -> None:
    scope: dict[str, object] = {}
    exec(compile(block, "recipes.md", "exec"), scope)
    state = scope["state"]
    assert isinstance(state, State)
    assert state.marshal().head is not None


def test_the_guide_lists_every_function_with_all_options() -> None:
    documented = {
        name: [option.partition("=")[0].strip(" *") for option in options.split(",")]
        for name, options in re.findall(r"[|-] `([a-z_.]+)\(([^`]*)\)`", GUIDE)
    }
    assert documented == {
        # A section describes the options of steps, which all of them take.
        name: [p for p in inspect.signature(function).parameters if p not in ("state", "options")]
        for name, function in FUNCTIONS.items()
    }


def test_the_guide_covers_the_whole_package() -> None:
    assert {name.partition(".")[0] for name in FUNCTIONS} == set(recipes.__all__)
