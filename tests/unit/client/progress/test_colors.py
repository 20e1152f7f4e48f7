"""Colors."""

from __future__ import annotations

import pytest

from llb.client.progress.colors import Colors, parse_colors


@pytest.fixture(autouse=True)
def small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")


@pytest.mark.feature("O4")
@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("", Colors()),
        ("run=cyan", Colors(run="cyan")),
        ("RUN=Light-Blue:cancel=white", Colors(run="bright_blue", cancel="white")),
        ("error=1,2,003:warning=default", Colors(error="rgb(1,2,3)", warning="default")),
        ('"error=1,2,3":run=red', Colors(error="rgb(1,2,3)", run="red")),
    ],
)
def test_colors_are_those_of_the_environment(text: str, colors: Colors) -> None:
    assert parse_colors({"BUILDKIT_COLORS": text}) == (colors, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "runs=red",
            "BUILDKIT_COLORS has no color for 'runs', but for run, cancel, error, warning",
        ),
        ("run", "BUILDKIT_COLORS has no color '': name one, or give R,G,B"),
        ("run=beige", "BUILDKIT_COLORS has no color 'beige': name one, or give R,G,B"),
        ("run=1,2", "BUILDKIT_COLORS has no color '1,2': name one, or give R,G,B"),
        ("run=1,2,256", "BUILDKIT_COLORS has no color '1,2,256': name one, or give R,G,B"),
    ],
)
def test_what_is_no_color_is_left_out_and_said(text: str, problem: str) -> None:
    assert parse_colors({"BUILDKIT_COLORS": f"{text}:error=blue"}) == (
        Colors(error="blue"),
        (problem,),
    )
