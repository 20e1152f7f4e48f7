"""The colors of the live display come from the environment."""

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
    ("setting", "colors"),
    [
        ("", Colors()),
        ("run=cyan", Colors(run="cyan")),
        ("RUN=Light-Blue:cancel=white", Colors(run="bright_blue", cancel="white")),
        ("error=1,2,003:warning=default", Colors(error="rgb(1,2,3)", warning="default")),
        ('"error=1,2,3":run=red', Colors(error="rgb(1,2,3)", run="red")),
    ],
)
def test_colors_are_read_from_the_environment(setting: str, colors: Colors) -> None:
    assert parse_colors({"BUILDKIT_COLORS": setting}) == (colors, ())


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (
            "runs=red",
            "unknown key 'runs' in BUILDKIT_COLORS: expected run, cancel, error, warning",
        ),
        ("run", "invalid color '' in BUILDKIT_COLORS: expected a color name or R,G,B"),
        ("run=beige", "invalid color 'beige' in BUILDKIT_COLORS: expected a color name or R,G,B"),
        ("run=1,2", "invalid color '1,2' in BUILDKIT_COLORS: expected a color name or R,G,B"),
        (
            "run=1,2,256",
            "invalid color '1,2,256' in BUILDKIT_COLORS: expected a color name or R,G,B",
        ),
    ],
)
def test_invalid_colors_are_skipped_and_reported(setting: str, problem: str) -> None:
    assert parse_colors({"BUILDKIT_COLORS": f"{setting}:error=blue"}) == (
        Colors(error="blue"),
        (problem,),
    )
