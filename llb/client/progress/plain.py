"""Plain progress: one line per event, for logs and pipes.

The format is the one Docker users know: ``#3 [2/4] RUN make``, then ``#3`` with seconds
and a line of output, then ``#3 DONE 0.2s``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self, TextIO

from llb.client.progress.events import Event, Vertex, VertexLog, VertexStatus, VertexWarning
from llb.client.progress.groups import Groups
from llb.client.progress.summary import summary
from llb.client.progress.text import human_size

if TYPE_CHECKING:
    from datetime import datetime

# A longer line is split into several.
_LONGEST = 1 << 16
_RETURNS = re.compile(r"\r+$", re.MULTILINE)


class PlainDisplay:
    """A display that writes events to a stream as they arrive."""

    on_report = None

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._numbers: dict[str, int] = {}
        self._started: dict[str, datetime] = {}
        self._ended: dict[str, str] = {}
        self._unfinished: dict[str, bytes] = {}
        self._transfers: set[tuple[str, str]] = set()
        self._vertices: dict[str, Vertex] = {}
        self._groups = Groups()

    def __enter__(self) -> Self:
        """Start the display; nothing is written yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Write unfinished lines, then the summary."""
        for digest in list(self._unfinished):
            self._end_line(digest)
        for line in summary(self._vertices.values()):
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Write an event."""
        match self._groups.fold(event):
            case Vertex() as vertex:
                self._vertex(vertex)
            case VertexLog() as log:
                self._log(log)
            case VertexStatus() as status:
                self._status(status)
            case VertexWarning() as warning:
                self._warning(warning)
        self._stream.flush()

    def _vertex(self, vertex: Vertex) -> None:
        self._vertices[vertex.digest] = vertex
        if vertex.started is None and not vertex.cached and vertex.error is None:
            return
        if vertex.digest not in self._numbers:
            self._numbers[vertex.digest] = len(self._numbers) + 1
            self._line(vertex.digest, vertex.name)
        if vertex.started is not None:
            self._started[vertex.digest] = vertex.started
        end = _end(vertex)
        if end is not None and self._ended.get(vertex.digest) != end:
            self._ended[vertex.digest] = end
            self._end_line(vertex.digest)
            self._line(vertex.digest, end)

    def _log(self, log: VertexLog) -> None:
        *lines, unfinished = (self._unfinished.get(log.vertex, b"") + log.data).split(b"\n")
        if len(unfinished) > _LONGEST:
            lines, unfinished = [*lines, unfinished], b""
        self._unfinished[log.vertex] = unfinished
        started = self._started.get(log.vertex)
        seconds = 0.0
        if started is not None and log.timestamp is not None:
            seconds = (log.timestamp - started).total_seconds()
        if lines:
            # All lines at once, because a step may print a million of them.
            output = _RETURNS.sub("", b"\n".join(lines).decode(errors="replace"))
            prefix = f"{max(0.0, seconds):.3f} "
            next_line = f"\n#{self._numbers.get(log.vertex, 0)} {prefix}"
            self._line(log.vertex, prefix + output.replace("\n", next_line))

    def _end_line(self, digest: str) -> None:
        """Write output of a step that did not end with a newline."""
        if unfinished := self._unfinished.pop(digest, b""):
            self._line(digest, unfinished.decode(errors="replace"))

    def _status(self, status: VertexStatus) -> None:
        key = (status.vertex, status.id)
        if status.completed is None or key in self._transfers:
            return
        self._transfers.add(key)
        size = f" {human_size(status.total or status.current)}" if status.current else ""
        self._line(status.vertex, f"{status.name}{size} done")

    def _warning(self, warning: VertexWarning) -> None:
        if warning.vertex:
            self._line(warning.vertex, f"WARN: {warning.short}")
        else:
            self._stream.write(f"WARN: {warning.short}\n")

    def _line(self, digest: str, line: str) -> None:
        self._stream.write(f"#{self._numbers.get(digest, 0)} {line}\n")


def _end(vertex: Vertex) -> str | None:
    if vertex.error is not None:
        return "CANCELED" if vertex.canceled else f"ERROR: {vertex.error}"
    if vertex.cached:
        return "CACHED"
    if vertex.completed is None or vertex.started is None:
        return None
    return f"DONE {(vertex.completed - vertex.started).total_seconds():.1f}s"
