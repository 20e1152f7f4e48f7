"""Progress on a terminal: a live list of steps, with the output of those that run."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TextIO

from attrs import field, mutable
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from llb.client.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.progress.plain import human_size

if TYPE_CHECKING:
    from collections.abc import Iterable

_TAIL = 6
_REFRESH_PER_SECOND = 10


@mutable
class _Step:
    vertex: Vertex
    tail: deque[str] = field(factory=lambda: deque(maxlen=_TAIL))
    rest: str = ""
    transfers: dict[str, VertexStatus] = field(factory=dict)

    @property
    def runs(self) -> bool:
        return self.vertex.started is not None and self.vertex.completed is None

    @property
    def seconds(self) -> float:
        if self.vertex.started is None:
            return 0.0
        end = self.vertex.completed or datetime.now(UTC)
        return max(0.0, (end - self.vertex.started).total_seconds())


class TtyDisplay:
    """Redraws the steps in place, some times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._steps: dict[str, _Step] = {}
        self._warnings: list[str] = []
        self._lock = threading.Lock()
        self._begin = datetime.now(UTC)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=_REFRESH_PER_SECOND,
            vertical_overflow="crop",
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        """Draw everything once more and leave it there."""
        self._live.vertical_overflow = "visible"
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event) -> None:
        """Take note of what happened."""
        with self._lock:
            match event:
                case Vertex():
                    step = self._steps.setdefault(event.digest, _Step(event))
                    step.vertex = event
                case VertexLog() if event.vertex in self._steps:
                    step = self._steps[event.vertex]
                    *lines, step.rest = (step.rest + event.data.decode(errors="replace")).split(
                        "\n"
                    )
                    step.tail.extend(line.rstrip("\r") for line in lines)
                case VertexStatus() if event.vertex in self._steps:
                    self._steps[event.vertex].transfers[event.id] = event
                case VertexWarning():
                    self._warnings.append(event.short)
                case _:
                    pass

    def _render(self) -> RenderableType:
        with self._lock:
            steps = [step for step in self._steps.values() if _is_shown(step)]
            done = sum(step.vertex.completed is not None for step in self._steps.values())
            seconds = (datetime.now(UTC) - self._begin).total_seconds()
            title = Text(f"[+] building {seconds:.1f}s ({done}/{len(self._steps)})", style="bold")
            warnings = [Text(f" ! {warning}", style="yellow") for warning in self._warnings]
            return Group(title, *_rows(steps), *warnings)


def _is_shown(step: _Step) -> bool:
    vertex = step.vertex
    return vertex.started is not None or vertex.cached or vertex.error is not None


def _rows(steps: Iterable[_Step]) -> Iterable[RenderableType]:
    for step in steps:
        row = Table.grid(expand=True)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", no_wrap=True)
        mark, style = _mark(step)
        name = step.vertex.name.replace("\n", " ")
        row.add_row(Text(f" {mark} {name}", style=style), Text(_right(step), style=style))
        yield row
        if step.runs:
            yield from (
                Text(f"   {status.name} {_progress(status)}", style="dim", no_wrap=True)
                for status in step.transfers.values()
                if status.completed is None
            )
        if step.runs or step.vertex.error is not None:
            for line in step.tail:
                yield Text(f"   {line}", style="dim", no_wrap=True, overflow="ellipsis")


def _mark(step: _Step) -> tuple[str, str]:
    if step.vertex.canceled:
        return "·", "yellow"
    if step.vertex.error is not None:
        return "✗", "red"
    if step.vertex.cached:
        return "•", "blue"
    return ("→", "") if step.runs else ("✓", "green")


def _right(step: _Step) -> str:
    return "cached" if step.vertex.cached else f"{step.seconds:.1f}s"


def _progress(status: VertexStatus) -> str:
    if status.total:
        return f"{human_size(status.current)} / {human_size(status.total)}"
    return human_size(status.current) if status.current else ""
