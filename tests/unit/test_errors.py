"""Errors are one line, and render with the place they are about."""

from __future__ import annotations

from llb.errors import LLBError, SolveError, Span, render

TEXT = "FROM alpine\nRUN one\nCOPPY a b\nRUN two\nRUN three\nRUN four\n"


def test_an_error_is_one_line_with_its_place() -> None:
    error = LLBError("unknown instruction", span=Span("Dockerfile", TEXT, 3, column=1, width=5))
    assert str(error) == "Dockerfile:3:1: unknown instruction"


def test_rendering_shows_the_lines_a_caret_and_the_hint() -> None:
    error = LLBError(
        "unknown instruction: COPPY",
        span=Span("Dockerfile", TEXT, 3, column=1, width=5),
        hint="did you mean COPY?",
    )
    assert render(error) == (
        "error: Dockerfile:3:1: unknown instruction: COPPY\n"
        "1 |     FROM alpine\n"
        "2 |     RUN one\n"
        "3 | >>> COPPY a b\n"
        "  |     ^^^^^\n"
        "4 |     RUN two\n"
        "5 |     RUN three\n"
        "hint: did you mean COPY?"
    )


def test_rendering_a_failed_step_shows_its_log() -> None:
    error = SolveError("exit code 7", code=2, exit_code=7, log=("a", "b"))
    assert render(error) == "error: exit code 7\n  | a\n  | b"
