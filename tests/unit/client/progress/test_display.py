"""What the displays show on a terminal while a build runs, and after it."""

from __future__ import annotations

import io
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.control import Control

from llb import ProgressGroup
from llb.client import Event, Vertex, VertexLog
from llb.client.progress.display import display
from llb.client.progress.plain import PlainDisplay
from llb.client.progress.text import visible
from llb.client.progress.tty import TtyDisplay
from llb.errors import InvalidValueError
from tests.timing import SECONDS

if TYPE_CHECKING:
    from rich.console import ConsoleOptions

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    """A terminal that keeps what is drawn, and signals when an awaited word is drawn."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self.drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        length = super().write(text)
        if self._awaited in text:
            self.drawn.set()
        return length


def step(
    name: str,
    *,
    started: bool = True,
    ended: bool = True,
    seconds: float = 0,
    cached: bool = False,
    error: str | None = None,
    group: ProgressGroup | None = None,
) -> Vertex:
    return Vertex(
        digest=name,
        name=name,
        inputs=(),
        cached=cached,
        started=BEGIN if started else None,
        completed=BEGIN + timedelta(seconds=seconds) if started and ended else None,
        error=error,
        group=group,
    )


def output(name: str, data: bytes) -> Event:
    return VertexLog(name, 1, data, BEGIN)


@pytest.fixture(autouse=True)
def small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("BUILDKIT_PROGRESS", "BUILDKIT_COLORS", "BUILDKIT_TTY_LOG_LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")


def shown_while_running(*events: Event, awaited: str) -> str:
    terminal = Terminal(awaited)
    live = TtyDisplay(terminal)
    for event in events:
        live(event)
    with live:
        assert terminal.drawn.wait(SECONDS)
        return terminal.getvalue()


@pytest.mark.feature("O6")
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
def test_output_cannot_move_the_cursor(line: str, seen: str) -> None:
    assert visible(line) == seen


@pytest.mark.feature("O2")
def test_a_running_step_is_shown_below_many_finished_ones() -> None:
    done = [step(f"done {number}") for number in range(20)]
    drawn = shown_while_running(*done, step("running", ended=False), awaited="→ running")
    assert "✓ done 19" in drawn
    assert "done 0" not in drawn


@pytest.mark.feature("O2")
def test_every_running_step_is_shown_with_a_share_of_the_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES", "8")
    running = [step(name, ended=False) for name in "abc"]
    outputs = [output(name, f"{name}1\n{name}2\n{name}3\n".encode()) for name in "abc"]
    drawn = shown_while_running(step("done"), *running, *outputs, awaited="c3")
    last = drawn.rpartition("[+] building")[2]
    shown = re.findall(r"\b[abc]\d?\b", last)
    assert shown == ["a", "a2", "a3", "b", "b3", "c", "c3"]


@pytest.mark.feature("O2")
def test_running_steps_without_a_row_are_counted() -> None:
    events = [step(f"step{number}", ended=False) for number in range(9)]
    drawn = shown_while_running(*events, awaited="more steps")
    assert "→ step3" in drawn
    assert "step4" not in drawn
    assert "… 5 more steps are running" in drawn


@pytest.mark.feature("O5")
def test_a_terminal_that_gets_narrower_is_cleared_by_the_next_redraw() -> None:
    live = TtyDisplay(io.StringIO())
    drawn_for = live._console.options
    live._console.width //= 2

    def clears(options: ConsoleOptions) -> bool:
        drawing = live.__rich_console__(live._console, options)
        return any(isinstance(item, Control) for item in drawing)

    assert not clears(drawn_for)
    assert clears(live._console.options)
    assert not clears(live._console.options)


@pytest.mark.feature("O2")
def test_steps_are_shown_in_the_order_of_their_start() -> None:
    stream = io.StringIO()
    with TtyDisplay(stream) as live:
        for event in (step("second", started=False), step("first"), step("second")):
            live(event)
    screen = stream.getvalue()
    assert "(2/2)" in screen
    assert screen.index("✓ first") < screen.index("✓ second")


@pytest.mark.feature("O2")
def test_output_without_a_newline_is_shown() -> None:
    drawn = shown_while_running(
        step("load", ended=False),
        output("load", b"begin\n 10%"),
        output("load", b"\r 20% of 5 \xe2\x82"),
        output("load", b"\xac"),
        awaited="20% of 5 €",
    )
    assert "begin" in drawn
    assert "10%" not in drawn


@pytest.mark.feature("O4")
def test_no_color_disables_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown_while_running(step("done"), awaited="✓ done")


@pytest.mark.feature("O10")
@pytest.mark.parametrize(
    ("term", "kind"), [("xterm", TtyDisplay), ("dumb", PlainDisplay), ("", PlainDisplay)]
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(
    term: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert type(display("auto", Terminal(""))) is kind


@pytest.mark.feature("O10")
def test_the_environment_chooses_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKIT_PROGRESS", "plain")
    assert type(display("auto", Terminal(""))) is PlainDisplay
    assert type(display("tty", Terminal(""))) is TtyDisplay
    monkeypatch.setenv("BUILDKIT_PROGRESS", "plane")
    with pytest.raises(InvalidValueError, match="unknown progress display 'plane'"):
        display("auto", Terminal(""))


def test_steps_are_drawn_in_the_configured_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("BUILDKIT_COLORS", "run=magenta:error=1,2,3:warning=bogus")
    monkeypatch.setenv("COLORTERM", "truecolor")
    drawn = shown_while_running(step("done"), step("failed", error="no"), awaited="invalid color")
    assert "\x1b[35m ✓ done" in drawn
    assert "\x1b[38;2;1;2;3m ✗ failed" in drawn


@pytest.mark.feature("O4")
@pytest.mark.parametrize(
    ("lines", "seen"), [("2", ["four", "five"]), ("many", ["one", "two", "four", "five"])]
)
def test_the_environment_limits_the_lines_of_output(
    lines: str, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDKIT_TTY_LOG_LINES", lines)
    monkeypatch.setenv("LINES", "20")
    words = ["zero", "one", "two", "four", "five"]
    data = "\n".join(["begin", "zero", "more", *words[1:3], "more", *words[3:], ""]).encode()
    drawn = shown_while_running(step("run", ended=False), output("run", data), awaited="five")
    assert [word for word in words if f"   {word}" in drawn] == seen


@pytest.mark.feature("O3")
def test_a_group_fails_with_any_step_and_is_cached_with_all() -> None:
    group = ProgressGroup("id", "COPY two /")
    stream = io.StringIO()
    with TtyDisplay(stream) as live:
        live(step("one", cached=True, group=group))
        live(step("two", cached=True, group=group))
        live(step("bad", error="no", group=ProgressGroup("x", "COPY bad /")))
        live(step("good", ended=False, group=ProgressGroup("x", "COPY bad /")))
    screen = stream.getvalue()
    assert "(2/2)" in screen
    assert "• COPY two /" in screen
    assert "✗ COPY bad /" in screen
