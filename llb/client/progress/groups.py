"""Progress groups: several steps of a build that are shown as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.client.progress.events import Event, Vertex

if TYPE_CHECKING:
    from collections.abc import Collection

    from llb import ProgressGroup


class Groups:
    """The progress groups of a build seen so far."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, Vertex]] = {}
        self._group_of: dict[str, str] = {}

    def fold(self, event: Event) -> Event:
        """Attribute an event to the group of its step, if any."""
        if isinstance(event, Vertex):
            return event if event.group is None else self._fold_vertex(event, event.group)
        group = self._group_of.get(event.vertex)
        return event if group is None else evolve(event, vertex=group)

    def _fold_vertex(self, vertex: Vertex, group: ProgressGroup) -> Vertex:
        """Merge a step into its group, and return the step that represents the group."""
        self._group_of[vertex.digest] = group.id
        members = self._members.setdefault(group.id, {})
        members[vertex.digest] = vertex
        return _merge(group, members.values())


def _merge(group: ProgressGroup, members: Collection[Vertex]) -> Vertex:
    starts = [member.started for member in members if member.started is not None]
    ends = [member.completed for member in members if member.completed is not None]
    error = next((member.error for member in members if member.error is not None), None)
    is_over = error is not None or len(ends) == len(members)
    return Vertex(
        digest=group.id,
        name=group.name,
        inputs=(),
        cached=all(member.cached for member in members),
        started=min(starts, default=None),
        completed=max(ends, default=None) if is_over else None,
        error=error,
    )
