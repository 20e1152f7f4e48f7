"""Steps that are shown as one, because whoever wrote the build grouped them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.client.progress.events import Event, Vertex

if TYPE_CHECKING:
    from collections.abc import Collection

    from llb import ProgressGroup


class Groups:
    """The groups of a build, as far as they are known."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, Vertex]] = {}
        self._group_of: dict[str, str] = {}

    def joined(self, event: Event) -> Event:
        """Return an event as one of the step's group, where it has one."""
        if isinstance(event, Vertex):
            return event if event.group is None else self._whole(event, event.group)
        group = self._group_of.get(event.vertex)
        return event if group is None else evolve(event, vertex=group)

    def _whole(self, vertex: Vertex, group: ProgressGroup) -> Vertex:
        """Return the step that stands for all of a group."""
        self._group_of[vertex.digest] = group.id
        members = self._members.setdefault(group.id, {})
        members[vertex.digest] = vertex
        return _whole(group, members.values())


def _whole(group: ProgressGroup, members: Collection[Vertex]) -> Vertex:
    starts = [each.started for each in members if each.started is not None]
    ends = [each.completed for each in members if each.completed is not None]
    error = next((each.error for each in members if each.error is not None), None)
    is_over = error is not None or len(ends) == len(members)
    return Vertex(
        digest=group.id,
        name=group.name,
        inputs=(),
        cached=all(each.cached for each in members),
        started=min(starts, default=None),
        completed=max(ends, default=None) if is_over else None,
        error=error,
    )
