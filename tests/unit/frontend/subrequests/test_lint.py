"""Warnings of a Dockerfile are printed with their source lines, in BuildKit's format."""

from __future__ import annotations

import pytest

from llb.frontend.build import build
from llb.testing.gateway import run_frontend

RULER = "--------------------\n"
# One line, or two, that cause a warning; and five lines that do not.
ONE = "FROM --platform=linux/amd64 alpine\n"
TWO = "FROM --platform=linux/amd64 \\\n  alpine\n"
OTHER = "".join(f"RUN {number}\n" for number in range(5))


def excerpt(text: str) -> str:
    """Extract the source lines of the only warning."""
    outcome = run_frontend(build, {"requestid": "frontend.lint"}, files={"Dockerfile": text})
    printed = outcome.checked().metadata["result.txt"].decode()
    _, lines, _ = printed.split(RULER)
    return lines


def numbered(first: int, *lines: str) -> str:
    """Format lines like an excerpt; those that start with ``>`` are marked."""
    return "".join(
        f" {number:3} | {'>>>' if line.startswith('>') else '   '} {line.removeprefix('>')}\n"
        for number, line in enumerate(lines, first)
    )


FROM = f">{ONE}".rstrip("\n")
FIRST, SECOND = (f">{line}" for line in TWO.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A single line has two lines before it and two after it.
        ("FROM alpine AS a\nRUN 1\nRUN 2\n" + ONE + OTHER,
         numbered(2, "RUN 1", "RUN 2", FROM, "RUN 0", "RUN 1")),
        (ONE + OTHER, numbered(1, FROM, "RUN 0", "RUN 1")),
        # Several lines have one on each side.
        ("FROM alpine AS a\nRUN 1\nRUN 2\n" + TWO + OTHER,
         numbered(3, "RUN 2", FIRST, SECOND, "RUN 0")),
        (TWO + OTHER, numbered(1, FIRST, SECOND, "RUN 0")),
    ],
)  # fmt: skip
def test_a_warning_is_shown_with_the_lines_around_it(text: str, expected: str) -> None:
    assert excerpt(text) == expected
