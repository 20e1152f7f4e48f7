"""Plain progress: lines for logs and pipes, grouped by step.

The format is the one that Docker users know: ``#3 [2/4] RUN make``, then ``#3`` with seconds and a
line of output, then ``#3 DONE 0.2s`` and an empty line.

Steps run at the same time, but a log is read line by line. So one step has the floor, and the lines
of the others wait for its end, or for their turn. A step that comes back has its name repeated.
"""

from __future__ import annotations

import io
import re
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

from attrs import define, field

from llb.client.progress import actions
from llb.client.progress.colors import has_colors
from llb.client.progress.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.progress.groups import Groups
from llb.client.progress.summary import summary
from llb.client.progress.text import human_size
from llb.control_characters import escape, escape_but_colors

if TYPE_CHECKING:
    from datetime import datetime

# Seconds between writes. BuildKit reports the end of some steps several times within this time.
_INTERVAL = 0.15
# Seconds for which a step keeps the floor while lines of others wait, and after its last line.
_TURN = 3.0
_SILENCE = 1.0
# Seconds between the lines about a transfer that goes on.
_TRANSFER = 5.0
# A longer line is split into several.
_LONGEST = 1 << 16
_RETURNS = re.compile(r"\r+$", re.MULTILINE)


@define(eq=False)
class _Step:
    """A step of the log. ``news`` are lines that wait, since ``waiting``."""

    number: int
    vertex: Vertex
    news: list[str] = field(factory=list)
    waiting: float | None = None
    unfinished: bytes = b""
    times: dict[datetime, datetime] = field(factory=dict)
    transfers: dict[str, float | None] = field(factory=dict)
    is_named: bool = False
    written_end: str | None = None

    @property
    def end(self) -> str | None:
        """The last line of the step, if it is over."""
        vertex = self.vertex
        if vertex.error is not None:
            return "CANCELED" if vertex.canceled else f"ERROR: {vertex.error}"
        if vertex.cached:
            return "CACHED"
        if vertex.completed is None or vertex.started is None:
            return None
        # A step that is asked for its result several times runs as often.
        seconds = sum((end - start).total_seconds() for start, end in self.times.items())
        return f"DONE {seconds:.1f}s"

    @property
    def has_news(self) -> bool:
        """Whether something about the step is not written yet."""
        is_end_new = self.written_end is None or self.vertex.error is not None
        return bool(self.news) or not self.is_named or (is_end_new and self.end != self.written_end)

    def add(self, line: str, now: float) -> None:
        """Add a line, or several that are joined."""
        self.news.append(line)
        if self.waiting is None:
            self.waiting = now

    def end_line(self, now: float) -> None:
        """Add output that does not end with a newline."""
        if self.unfinished:
            self.add(self.unfinished.decode(errors="replace"), now)
            self.unfinished = b""


class PlainDisplay:
    """A display that writes what is new several times a second, from a thread of its own.

    With ``folds``, GitHub Actions folds the lines of each group, and annotates the source lines of
    warnings.
    """

    on_report = None

    def __init__(self, stream: TextIO, *, folds: bool = False) -> None:
        self._stream = stream
        self._escape = escape_but_colors if has_colors(stream) else escape
        self._folds = folds
        self._steps: dict[str, _Step] = {}
        self._floor: _Step | None = None
        self._floor_since = 0.0
        self._last_news = 0.0
        self._text: list[str] = []
        self._warnings: list[str] = []
        self._groups = Groups()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._failure: Exception | None = None
        self._writer = threading.Thread(target=self._run, name="plain progress", daemon=True)

    def __enter__(self) -> Self:
        """Start the display; nothing is written yet."""
        self._writer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Write all that is new, then the summary."""
        self._end.set()
        self._writer.join()
        now = time.monotonic()
        for step in self._steps.values():
            step.end_line(now)
        self.write(now)
        for step in self._steps.values():
            if step.has_news:
                self._add_step(step, now)
        self._leave()
        self._text += [f"{line}\n" for line in summary(s.vertex for s in self._steps.values())]
        self._flush()

    def __call__(self, event: Event) -> None:
        """Take an event; its lines are written by the thread."""
        if self._failure is not None:
            raise self._failure
        now = time.monotonic()
        with self._lock:
            match self._groups.fold(event):
                case Vertex() as vertex:
                    self._vertex(vertex, now)
                case VertexLog() as log if log.vertex in self._steps:
                    _add_output(self._steps[log.vertex], log, now)
                case VertexStatus() as status if status.vertex in self._steps:
                    _add_transfer(self._steps[status.vertex], status, now)
                case VertexWarning() as warning:
                    self._warning(warning, now)
                case _:
                    pass

    def write(self, now: float) -> None:
        """Write what is due at a time of the monotonic clock."""
        with self._lock:
            over = [step for step in self._steps.values() if step.end and step.has_news]
            for step in sorted(over, key=lambda step: step is not self._floor):
                step.end_line(now)
                self._add_step(step, now)
            self._give_floor(now)
            if self._warnings:
                self._leave()
                self._text += [f"{escape(warning)}\n" for warning in self._warnings]
                self._warnings.clear()
            self._flush()

    def _run(self) -> None:
        try:
            while not self._end.wait(_INTERVAL):
                self.write(time.monotonic())
        # Raised for the next event, and so ends the build.
        except Exception as error:  # noqa: BLE001
            self._failure = error

    def _vertex(self, vertex: Vertex, now: float) -> None:
        step = self._steps.get(vertex.digest)
        if step is None:
            if vertex.started is None and not vertex.cached and vertex.error is None:
                return
            step = self._steps[vertex.digest] = _Step(len(self._steps) + 1, vertex, waiting=now)
        step.vertex = vertex
        if vertex.started is not None and vertex.completed is not None:
            step.times[vertex.started] = vertex.completed

    def _warning(self, warning: VertexWarning, now: float) -> None:
        if self._folds:
            self._warnings.append(actions.annotation("warning", warning.short, warning.span))
            return
        place = "" if warning.span is None else f" ({warning.span})"
        line = f"WARN: {warning.short}{place}"
        step = self._steps.get(warning.vertex)
        if step is None:
            self._warnings.append(line)
        else:
            step.add(line, now)

    def _give_floor(self, now: float) -> None:
        """Write the news of the running step that has the floor, or of the one that is next."""
        floor = self._floor
        if floor is not None and floor.has_news:
            self._add_step(floor, now)
        waiting = [
            (step.waiting, step) for step in self._steps.values() if step.waiting is not None
        ]
        if not waiting:
            return
        _, step = min(waiting, key=lambda pair: pair[0])
        is_silent = now - self._last_news >= _SILENCE
        if floor is None or is_silent or now - self._floor_since >= _TURN:
            self._add_step(step, now)

    def _add_step(self, step: _Step, now: float) -> None:
        """Give the floor to a step, and write its news."""
        number = f"#{step.number} "
        if self._floor is not step:
            self._leave()
            self._floor, self._floor_since = step, now
            name = escape(step.vertex.name.replace("\n", " "))
            head = number + name
            self._text.append(f"{actions.group(head) if self._folds else head}\n")
            step.is_named = True
        self._text += [number + line.replace("\n", f"\n{number}") + "\n" for line in step.news]
        step.news.clear()
        step.waiting = None
        self._last_news = now
        if step.end:
            self._text.append(f"{number}{step.end}\n")
            step.written_end = step.end
            self._leave()

    def _leave(self) -> None:
        """End the lines of the step that has the floor."""
        step, self._floor = self._floor, None
        if step is None:
            return
        if not step.end:
            self._text.append(f"#{step.number} ...\n")
        self._text.append(f"{actions.END_GROUP if self._folds else ''}\n")

    def _flush(self) -> None:
        text, self._text = self._escape("".join(self._text)), []
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # A log that nobody can read any more does not fail the build.
            self._stream = io.StringIO()


def _add_output(step: _Step, log: VertexLog, now: float) -> None:
    *lines, step.unfinished = (step.unfinished + log.data).split(b"\n")
    if len(step.unfinished) > _LONGEST:
        lines, step.unfinished = [*lines, step.unfinished], b""
    if not lines:
        return
    started, seconds = step.vertex.started, 0.0
    if started is not None and log.timestamp is not None:
        seconds = max(0.0, (log.timestamp - started).total_seconds())
    # All lines at once, because a step may print a million of them.
    output = _RETURNS.sub("", b"\n".join(lines).decode(errors="replace"))
    step.add(f"{seconds:.3f} " + output.replace("\n", f"\n{seconds:.3f} "), now)


def _add_transfer(step: _Step, status: VertexStatus, now: float) -> None:
    """Add a line when a transfer ends, and every few seconds before."""
    last = step.transfers.setdefault(status.id, now)
    if last is None:
        return
    if status.completed is not None:
        step.transfers[status.id] = None
        size = f" {human_size(status.total or status.current)}" if status.current else ""
        step.add(f"{status.id}{size} done", now)
    elif now - last >= _TRANSFER:
        step.transfers[status.id] = now
        of_total = f" / {human_size(status.total)}" if status.total else ""
        step.add(f"{status.id} {human_size(status.current)}{of_total}", now)
