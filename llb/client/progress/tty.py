"""Live progress on a terminal: the steps, redrawn in place, with the output of running ones."""

from __future__ import annotations

import os
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TextIO

from attrs import field, mutable
from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

from llb.client.progress.colors import Colors, parse_colors
from llb.client.progress.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.progress.groups import Groups
from llb.client.progress.summary import summary
from llb.client.progress.text import human_size, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import ConsoleOptions, RenderResult

_DEFAULT_TAIL = 6
_REFRESH_PER_SECOND = 10
# No terminal has as many columns, and to measure a text of a megabyte takes seconds.
_WIDEST = 2000


@mutable
class _Step:
    vertex: Vertex
    height: int
    lines: deque[str] = field(init=False)
    unfinished: bytes = b""
    transfers: dict[str, VertexStatus] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.lines = deque(maxlen=self.height)

    @property
    def is_running(self) -> bool:
        return self.vertex.started is not None and self.vertex.completed is None

    @property
    def seconds(self) -> float:
        if self.vertex.started is None:
            return 0.0
        end = self.vertex.completed or datetime.now(UTC)
        return max(0.0, (end - self.vertex.started).total_seconds())

    @property
    def tail(self) -> list[str]:
        """The last lines of output, including an unfinished one."""
        unfinished = visible(self.unfinished.decode(errors="replace"))
        return [*self.lines, *([unfinished] if unfinished else [])][-self.height :]

    def add_output(self, data: bytes) -> None:
        *lines, self.unfinished = (self.unfinished + data).split(b"\n")
        self.lines.extend(visible(line.decode(errors="replace")) for line in lines)


class TtyDisplay:
    """A display that redraws the steps in place several times a second, in order of start."""

    on_report = None

    def __init__(self, stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._console = Console(file=stream, highlight=False)
        self._colors, problems = parse_colors(environ)
        self._tail = _tail_height(environ)
        self._seen: set[str] = set()
        self._steps: dict[str, _Step] = {}
        self._groups = Groups()
        self._warnings = list(problems)
        self._lock = threading.Lock()
        self._begin = datetime.now(UTC)
        self._ended = False
        self._width = self._console.width
        self._live = Live(
            console=self._console,
            get_renderable=lambda: self,
            refresh_per_second=_REFRESH_PER_SECOND,
            vertical_overflow="crop",
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        """Draw the final state and leave it on the screen."""
        self._ended = True
        self._live.vertical_overflow = "visible"
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event) -> None:
        """Record an event for the next redraw."""
        with self._lock:
            match self._groups.fold(event):
                case Vertex() as vertex:
                    self._vertex(vertex)
                case VertexLog() as log if log.vertex in self._steps:
                    self._steps[log.vertex].add_output(log.data)
                case VertexStatus() as status if status.vertex in self._steps:
                    self._steps[status.vertex].transfers[status.id] = status
                case VertexWarning() as warning:
                    self._warnings.append(visible(warning.short))
                case _:
                    pass

    def _vertex(self, vertex: Vertex) -> None:
        self._seen.add(vertex.digest)
        if vertex.digest in self._steps:
            self._steps[vertex.digest].vertex = vertex
        elif vertex.started is not None or vertex.cached or vertex.error is not None:
            self._steps[vertex.digest] = _Step(vertex, self._tail)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw everything at the size of this redraw, even if the terminal has since changed."""
        yield from self._clear_if_narrower(options.max_width)
        yield self._render(options.size.height)

    def _clear_if_narrower(self, width: int) -> Iterator[RenderableType]:
        """Yield a control code that clears the screen if the terminal became narrower.

        Many terminals then wrap the existing lines, which take up more rows than were drawn.
        """
        previous, self._width = self._width, width
        if self._width < previous:
            yield Control(ControlType.HOME, ControlType.CLEAR)

    def _render(self, height: int) -> RenderableType:
        with self._lock:
            done = sum(not step.is_running for step in self._steps.values())
            seconds = (datetime.now(UTC) - self._begin).total_seconds()
            title = Text(f"[+] building {seconds:.1f}s ({done}/{len(self._seen)})", style="bold")
            warnings = [
                Text(f" ! {warning}", style=self._colors.warning) for warning in self._warnings
            ]
            blocks = [(step, list(_rows(step, self._colors))) for step in self._steps.values()]
            rows = [row for _, block in blocks for row in block]
            if not self._ended:
                rows = list(_fit(blocks, height - 1 - len(warnings)))
            end = summary(step.vertex for step in self._steps.values()) if self._ended else []
            return Group(title, *rows, *warnings, *map(_faint, end))


_Block = tuple[_Step, list[RenderableType]]


def _fit(blocks: list[_Block], height: int) -> Iterator[RenderableType]:
    """Yield as many rows as there are.

    Finished steps give way first, the oldest before the others, then the output of running steps. A
    running step without a row is counted.
    """
    excess = sum(len(rows) for _, rows in blocks) - height
    kept: list[_Block] = []
    for step, rows in blocks:
        if excess > 0 and not step.is_running:
            excess -= len(rows)
        else:
            kept.append((step, rows))
    hidden = len(kept) - height
    if hidden > 0:
        kept, hidden = kept[: max(height - 1, 0)], hidden + 1
    heights = _share([len(rows) - 1 for _, rows in kept], height - len(kept))
    for (_, (head, *output)), count in zip(kept, heights, strict=True):
        yield head
        yield from output[len(output) - count :]
    if hidden > 0:
        yield _faint(f" … {hidden} more steps are running")


def _share(wanted: list[int], total: int) -> list[int]:
    """Divide rows among steps: all get the same number, or as many as they want.

    >>> _share([6, 2, 6], 11)
    [5, 2, 4]
    """
    shares = [0] * len(wanted)
    for _ in range(min(total, sum(wanted))):
        hungry = [index for index, count in enumerate(wanted) if shares[index] < count]
        shares[min(hungry, key=lambda index: shares[index])] += 1
    return shares


def _rows(step: _Step, colors: Colors) -> Iterator[RenderableType]:
    """Yield the lines of a step, each of which takes one row."""
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    head.add_column(justify="right", no_wrap=True)
    mark, style = _mark(step, colors)
    name = visible(step.vertex.name.replace("\n", " "))[:_WIDEST]
    head.add_row(Text(f" {mark} {name}", style=style), Text(_duration(step), style=style))
    yield head
    if step.is_running:
        yield from _dim(
            f"{visible(status.id)} {_progress(status)}"
            for status in step.transfers.values()
            if status.completed is None
        )
    if step.is_running or step.vertex.error is not None:
        yield from _dim(step.tail)


def _dim(lines: Iterable[str]) -> Iterator[RenderableType]:
    return (_faint(f"   {line}") for line in lines)


def _faint(line: str) -> RenderableType:
    return Text(line[:_WIDEST], style="dim", no_wrap=True, overflow="ellipsis")


def _mark(step: _Step, colors: Colors) -> tuple[str, str]:
    if step.vertex.canceled:
        return "·", colors.cancel
    if step.vertex.error is not None:
        return "✗", colors.error
    if step.vertex.cached:
        return "•", colors.run or "blue"
    return ("→", colors.run or "") if step.is_running else ("✓", colors.run or "green")


def _tail_height(environ: Mapping[str, str]) -> int:
    """Read from BuildKit's variable how many lines of a running step are shown."""
    value = environ.get("BUILDKIT_TTY_LOG_LINES", "")
    return int(value) if value.isdecimal() and int(value) else _DEFAULT_TAIL


def _duration(step: _Step) -> str:
    return "cached" if step.vertex.cached else f"{step.seconds:.1f}s"


def _progress(status: VertexStatus) -> str:
    if status.total:
        return f"{human_size(status.current)} / {human_size(status.total)}"
    return human_size(status.current) if status.current else ""
