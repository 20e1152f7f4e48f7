"""Plain progress: complete, in order, grouped by step, and readable while the build goes on."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest

from llb import ProgressGroup
from llb._pb import control_pb2
from llb.client import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.progress.events import from_response
from llb.client.progress.plain import PlainDisplay
from llb.errors import Span
from tests.timing import SECONDS
from tests.unit.client.progress.test_display import BEGIN, output, step


class Log:
    """A plain display whose clock stands still until it is advanced."""

    def __init__(self, *, folds: bool = False, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        self._stream = io.StringIO()
        self._display = PlainDisplay(self._stream, folds=folds)

    def write(self, *events: Event, after: float = 0) -> list[str]:
        """Take events, and return the lines that are written for them."""
        self.now += after
        for event in events:
            self._display(event)
        self._display.write(self.now)
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return text.splitlines()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch=monkeypatch)


def lines_of(*events: Event) -> list[str]:
    """The lines that are written for a whole build, without the empty ones."""
    stream = io.StringIO()
    with PlainDisplay(stream) as plain:
        for event in events:
            plain(event)
    return [line for line in stream.getvalue().splitlines() if line]


@pytest.mark.feature("O7")
def test_every_event_has_a_line() -> None:
    assert lines_of(
        step("load", started=False),
        step("load", ended=False),
        VertexStatus("transferring context:", "load", "other", 1_500_000, 0, BEGIN, None),
        VertexStatus("transferring context:", "load", "other", 3_200_000, 0, BEGIN, BEGIN),
        step("load", seconds=2),
        step("cached", cached=True),
        step("fail", ended=False),
        VertexLog("fail", 2, b"one\ntw", BEGIN + timedelta(seconds=1.5)),
        VertexLog("fail", 2, b"o\r\nrest", BEGIN + timedelta(seconds=2)),
        VertexWarning("fail", 1, "take care", (), None, None),
        VertexWarning("", 1, "of the build", (), None, None),
        step("fail", seconds=3, error="exit code: 7"),
        step("other", error="context canceled"),
    ) == [
        "#1 load",
        "#1 transferring context: 3.2 MB done",
        "#1 DONE 2.0s",
        "#2 cached",
        "#2 CACHED",
        "#3 fail",
        "#3 1.500 one",
        "#3 2.000 two",
        "#3 WARN: take care",
        "#3 rest",
        "#3 ERROR: exit code: 7",
        "#4 other",
        "#4 CANCELED",
        "WARN: of the build",
        "4 steps, 1 cached",
        "   3.0s  fail",
        "   2.0s  load",
    ]


@pytest.mark.feature("O3")
def test_steps_of_a_group_are_shown_as_one() -> None:
    group = ProgressGroup("id", "COPY two /")
    assert lines_of(
        step("one", started=False, group=group),
        step("two", started=False, group=group),
        step("other", seconds=1),
        step("one", ended=False, group=group),
        step("one", seconds=2, group=group),
        output("one", b"from one\n"),
        step("two", ended=False, group=group),
        output("two", b"from two\n"),
        step("two", seconds=5, group=group),
    ) == [
        "#1 other",
        "#1 DONE 1.0s",
        "#2 COPY two /",
        "#2 0.000 from one",
        "#2 0.000 from two",
        "#2 DONE 5.0s",
        "2 steps, 0 cached",
        "   5.0s  COPY two /",
        "   1.0s  other",
    ]


def test_the_end_of_a_step_is_written_once_and_after_its_lines(log: Log) -> None:
    first, second = (
        Vertex("load", "load", (), False, start, start + timedelta(seconds=0.5), None)
        for start in (BEGIN, BEGIN + timedelta(seconds=9))
    )
    transfer = VertexStatus("transferring dockerfile:", "load", "", 155, 0, BEGIN, BEGIN)
    assert log.write(first, transfer, second) == [
        "#1 load",
        "#1 transferring dockerfile: 155 B done",
        "#1 DONE 1.0s",
        "",
    ]
    assert log.write(first, transfer, second) == []
    assert log.write(output("load", b"late\n")) == ["#1 load", "#1 0.000 late", "#1 DONE 1.0s", ""]
    assert log.write(step("load", error="no")) == ["#1 load", "#1 ERROR: no", ""]


def test_a_step_that_is_cached_has_one_end(log: Log) -> None:
    cached = step("a", cached=True)
    assert log.write(cached, step("a"), cached, output("a", b"resolved\n")) == [
        "#1 a",
        "#1 0.000 resolved",
        "#1 CACHED",
        "",
    ]


def test_the_lines_of_parallel_steps_stay_together(log: Log) -> None:
    def chatter(name: str, number: int) -> Event:
        return output(name, f"{name}{number}\n".encode())

    assert log.write(step("a", ended=False), step("b", ended=False)) == ["#1 a"]
    for number in range(6):
        written = log.write(chatter("a", number), chatter("b", number), after=0.4)
        assert written == [f"#1 0.000 a{number}"]
    assert log.write(chatter("a", 6), chatter("b", 6), after=0.7) == [
        "#1 0.000 a6",
        "#1 ...",
        "",
        "#2 b",
        *(f"#2 0.000 b{number}" for number in range(7)),
    ]
    assert log.write(chatter("a", 7), chatter("b", 7), after=0.4) == ["#2 0.000 b7"]
    # The end of a step does not wait for a turn.
    assert log.write(step("a", seconds=9)) == [
        "#2 ...",
        "",
        "#1 a",
        "#1 0.000 a7",
        "#1 DONE 9.0s",
        "",
    ]
    assert log.write(chatter("b", 8)) == ["#2 b", "#2 0.000 b8"]


def test_a_silent_step_gives_way_to_the_one_that_has_waited_longest(log: Log) -> None:
    log.write(step("a", ended=False), step("b", ended=False), step("c", ended=False))
    assert log.write(output("a", b"1\n")) == ["#1 0.000 1"]
    assert log.write(output("c", b"1\n"), output("b", b"1\n"), after=0.9) == []
    assert log.write(after=0.2) == ["#1 ...", "", "#2 b", "#2 0.000 1"]
    assert log.write(after=1.1) == ["#2 ...", "", "#3 c", "#3 0.000 1"]
    assert log.write(after=60) == []


@pytest.mark.feature("O7")
def test_a_long_transfer_is_reported_now_and_then(log: Log) -> None:
    def transfer(size: int, *, total: int = 0, ended: bool = False) -> Event:
        return VertexStatus("sha256:abc", "pull", "", size, total, BEGIN, BEGIN if ended else None)

    assert log.write(step("pull", ended=False), transfer(1)) == ["#1 pull"]
    assert log.write(transfer(1000, total=9000), after=4) == []
    assert log.write(transfer(2000, total=9000), after=2) == ["#1 sha256:abc 2.0 kB / 9.0 kB"]
    assert log.write(transfer(3000), after=2) == []
    assert log.write(transfer(9000, ended=True)) == ["#1 sha256:abc 9.0 kB done"]
    assert log.write(transfer(9000), transfer(9000, ended=True), after=9) == []


def test_actions_can_fold_the_lines_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(folds=True, monkeypatch=monkeypatch)
    assert log.write(step("a\nb", ended=False), output("a\nb", b"1\n")) == [
        "::group::#1 a b",
        "#1 0.000 1",
    ]
    span = Span("Dockerfile", "FROM a", 1)
    assert log.write(
        step("c", cached=True), VertexWarning("c", 1, "take care", (), None, span)
    ) == [
        "#1 ...",
        "::endgroup::",
        "::group::#2 c",
        "#2 CACHED",
        "::endgroup::",
        "::warning file=Dockerfile,line=1,endLine=1::take care",
    ]


def test_a_very_long_line_is_written_before_its_end(log: Log) -> None:
    long = output("run", b"x" * 40_000)
    assert log.write(step("run", ended=False), long) == ["#1 run"]
    assert log.write(long) == [f"#1 0.000 {'x' * 80_000}"]


def test_output_of_a_step_precedes_its_end_in_the_same_message() -> None:
    message = control_pb2.StatusResponse()
    vertex = message.vertexes.add(digest="run", name="run")
    vertex.started.FromSeconds(1)
    vertex.completed.FromSeconds(3)
    message.statuses.add(vertex="run", ID="a", current=5).completed.FromSeconds(2)
    message.logs.add(vertex="run", stream=1, msg=b"done\n").timestamp.FromSeconds(2)
    assert lines_of(*from_response(message))[:4] == [
        "#1 run",
        "#1 a 5 B done",
        "#1 1.000 done",
        "#1 DONE 2.0s",
    ]


class Stream(io.StringIO):
    """A stream that signals a write, and can be closed by its reader."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()
        self.is_closed = False

    def write(self, text: str) -> int:
        if self.is_closed:
            raise BrokenPipeError
        self.written.set()
        return super().write(text)


def test_lines_are_written_while_the_build_runs() -> None:
    stream = Stream()
    with PlainDisplay(stream) as plain:
        plain(step("run", ended=False))
        assert stream.written.wait(SECONDS)


def test_a_log_that_nobody_reads_is_no_error() -> None:
    stream = Stream()
    stream.is_closed = True
    with PlainDisplay(stream) as plain:
        plain(step("run", ended=False))
    assert stream.getvalue() == ""
