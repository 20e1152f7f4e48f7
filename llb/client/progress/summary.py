"""Summary of a finished build: the number of steps and cached steps, and the slowest steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.client.progress.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.progress.events import Vertex

_SLOWEST = 3
# Faster steps are not worth a line.
_MIN_SECONDS = 0.1


def summary(vertices: Iterable[Vertex]) -> list[str]:
    """Format the summary lines of the finished steps; none if no step finished.

    The first line counts the steps and the cached ones. The others are the slowest steps that took
    at least a tenth of a second, with their seconds.
    """
    ended = [vertex for vertex in vertices if vertex.cached or vertex.completed is not None]
    if not ended:
        return []
    cached = sum(vertex.cached for vertex in ended)
    plural = "" if len(ended) == 1 else "s"
    slowest = sorted(
        ((_seconds(vertex), vertex) for vertex in ended if not vertex.cached),
        key=lambda pair: pair[0],
        reverse=True,
    )
    return [
        f"{len(ended)} step{plural}, {cached} cached",
        *(
            f"{seconds:6.1f}s  {visible(vertex.name)}"
            for seconds, vertex in slowest[:_SLOWEST]
            if seconds >= _MIN_SECONDS
        ),
    ]


def _seconds(vertex: Vertex) -> float:
    if vertex.started is None or vertex.completed is None:
        return 0.0
    return (vertex.completed - vertex.started).total_seconds()
