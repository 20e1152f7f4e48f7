"""Displays: what stands on a terminal while a build runs, and when it is over."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime

import pytest

from llb.client import Event, Vertex, VertexLog
from llb.client.progress import display
from llb.client.progress.plain import PlainDisplay
from llb.client.progress.text import visible
from llb.client.progress.tty import TtyDisplay

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    """A terminal that keeps what was drawn, and says when a word was."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self.drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._awaited in text:
            self.drawn.set()
        return super().write(text)


def step(name: str, *, started: bool = True, ended: bool = True) -> Event:
    return Vertex(
        digest=name,
        name=name,
        inputs=(),
        cached=False,
        started=BEGIN if started else None,
        completed=BEGIN if started and ended else None,
        error=None,
    )


def output(name: str, data: bytes) -> Event:
    return VertexLog(name, 1, data, BEGIN)


@pytest.fixture(autouse=True)
def small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")


def shown_while_running(*events: Event, awaited: str) -> str:
    terminal = Terminal(awaited)
    live = TtyDisplay(terminal)
    for event in events:
        live(event)
    with live:
        assert terminal.drawn.wait(10)
        return terminal.getvalue()


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[5Aup", "up"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r20%\r30%", "30%"),
        ("windows\r", "windows"),
        ("a\tb\x00\x07\x9bc", "a\tbc"),
        ("cut \x1b[3", "cut 3"),
        ("cut \x1b", "cut "),
    ],
)
def test_output_moves_no_cursor(line: str, seen: str) -> None:
    assert visible(line) == seen


def test_a_running_step_is_seen_below_many_that_are_done() -> None:
    done = [step(f"done {number}") for number in range(20)]
    drawn = shown_while_running(*done, step("running", ended=False), awaited="→ running")
    assert "✓ done 19" in drawn
    assert "done 0" not in drawn


def test_steps_stand_in_the_order_in_which_they_began() -> None:
    stream = io.StringIO()
    with TtyDisplay(stream) as live:
        for event in (step("second", started=False), step("first"), step("second")):
            live(event)
    text = stream.getvalue()
    assert "(2/2)" in text
    assert text.index("✓ first") < text.index("✓ second")


def test_output_without_an_end_of_line_is_seen() -> None:
    drawn = shown_while_running(
        step("load", ended=False),
        output("load", b"begin\n 10%"),
        output("load", b"\r 20% of 5 \xe2\x82"),
        output("load", b"\xac"),
        awaited="20% of 5 €",
    )
    assert "begin" in drawn
    assert "10%" not in drawn


def test_colors_are_left_out_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown_while_running(step("done"), awaited="✓ done")


@pytest.mark.parametrize(
    ("term", "kind"), [("xterm", TtyDisplay), ("dumb", PlainDisplay), ("", PlainDisplay)]
)
def test_a_terminal_that_cannot_redraw_gets_lines(
    term: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert type(display("auto", Terminal(""))) is kind
