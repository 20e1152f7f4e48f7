"""What there is to say of a build when it is over: cached steps, and the slowest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.client.progress.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.progress.events import Vertex

_SLOWEST = 3
# What takes less is not worth a line.
_LEAST_SECONDS = 0.1


def summary(vertices: Iterable[Vertex]) -> list[str]:
    """Return lines about steps that ended; none where nothing ended.

    The first counts the steps and those from the cache, the others are the slowest that
    took a tenth of a second or more, with their seconds.
    """
    ended = [each for each in vertices if each.cached or each.completed is not None]
    if not ended:
        return []
    cached = sum(each.cached for each in ended)
    plural = "" if len(ended) == 1 else "s"
    slowest = sorted(
        ((_seconds(each), each) for each in ended if not each.cached),
        key=lambda pair: pair[0],
        reverse=True,
    )
    return [
        f"{len(ended)} step{plural}, {cached} cached",
        *(
            f"{seconds:6.1f}s  {visible(each.name)}"
            for seconds, each in slowest[:_SLOWEST]
            if seconds >= _LEAST_SECONDS
        ),
    ]


def _seconds(vertex: Vertex) -> float:
    if vertex.started is None or vertex.completed is None:
        return 0.0
    return (vertex.completed - vertex.started).total_seconds()
