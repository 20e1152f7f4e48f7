"""Two definitions compared step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import field, mutable

from llb.compare.fields import field_changes, metadata_changes, numbered_changes
from llb.compare.graph import Graph, Keys, is_marked
from llb.compare.matching import match
from llb.compare.model import AffectedStep, ChangedStep, Comparison, FieldChange, Step
from llb.compare.roles import roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# A graph in which everything depends on everything would otherwise take its square in memory.
_CAUSES = 8
# Operations whose inputs have places and no names.
_LISTS = ("merge", "passthrough")


def compare(old: Definition, new: Definition) -> Comparison:
    """Return what is different in ``new``.

    Steps with equal digests are the same. Of the rest, those that have the same role are
    paired, by what they do, their names, commands, neighbours and lines, and a pair is
    *changed* where fields of its own differ, and *affected* where only its inputs do. The
    source locations of steps and the mark of a build in a local directory are not compared.

    Time and memory grow with the number of steps. Raises InvalidDefinitionError where an
    operation cannot be decoded.
    """
    keys = Keys()
    comparing = _Comparing(Graph.of(old, keys), Graph.of(new, keys))
    match(comparing.old, comparing.new)
    for at in range(len(comparing.new.steps)):
        comparing.take(at)
    return comparing.result()


@mutable
class _Comparing:
    """A comparison while it is made; ``causes`` are those of each step of the new definition."""

    old: Graph
    new: Graph
    causes: list[tuple[str, ...]] = field(factory=list)
    changed: list[ChangedStep] = field(factory=list)
    affected: list[AffectedStep] = field(factory=list)
    kept: list[tuple[Step, Step]] = field(factory=list)
    marked: list[tuple[Step, Step]] = field(factory=list)

    def take(self, at: int) -> None:
        """Sort a step of the new definition in; those below it have been."""
        partner, step = self.new.partner[at], self.new.steps[at]
        if partner is None:
            self.causes.append((step.digest,))
            return
        before = self.old.steps[partner]
        if self.old.whole[partner] == self.new.whole[at]:
            self._take_equal(before, step)
            return
        fields, via, causes = self._differences(partner, at)
        self.causes.append((step.digest,) if fields else causes)
        if fields:
            said = metadata_changes(before.vertex, step.vertex, caps=False)
            self.changed.append(ChangedStep(before, step, fields + said, causes))
            return
        said = self._said(before, step)
        if said:
            self.changed.append(ChangedStep(before, step, said, causes))
        if step.vertex.kind is not None:
            self.affected.append(AffectedStep(before, step, via, causes))

    def result(self) -> Comparison:
        """Return the comparison, everything in the order of the definitions."""
        return Comparison(
            added=_ordered(self.new.steps[at] for at in self.new.free()),
            removed=_ordered(self.old.steps[at] for at in self.old.free()),
            changed=tuple(sorted(self.changed, key=lambda each: each.new.number)),
            affected=tuple(sorted(self.affected, key=lambda each: each.new.number)),
            kept=tuple(sorted(self.kept, key=lambda each: each[1].number)),
            marked=tuple(sorted(self.marked, key=lambda each: each[1].number)),
        )

    def _take_equal(self, before: Step, step: Step) -> None:
        self.causes.append(())
        self.kept.append((before, step))
        # Equal keys and other digests: a local directory, or something above one.
        if before.digest != step.digest and is_marked(step.vertex):
            self.marked.append((before, step))
        if said := self._said(before, step):
            self.changed.append(ChangedStep(before, step, said))

    @staticmethod
    def _said(before: Step, step: Step) -> tuple[FieldChange, ...]:
        """Return how the metadata differs; the last operation has that of all others."""
        if before.vertex.metadata == step.vertex.metadata:
            return ()
        return metadata_changes(before.vertex, step.vertex, caps=step.vertex.kind is not None)

    def _differences(
        self, ours: int, theirs: int
    ) -> tuple[tuple[FieldChange, ...], tuple[str, ...], tuple[str, ...]]:
        """Return which fields of a pair differ, the inputs that do, and where that begins."""
        before, step = self.old.vertex(ours), self.new.vertex(theirs)
        same = self.old.own[ours] == self.new.own[theirs]
        inputs = _Inputs(self, step, [] if same else list(field_changes(before, step)))
        for role, first, second in self._uses(ours, theirs, same=same):
            inputs.follow(role, first, second)
        if not inputs.fields and not inputs.causes:
            inputs.fields += numbered_changes(before, step)
        return tuple(inputs.fields), tuple(inputs.via), tuple(inputs.causes)[:_CAUSES]

    def _uses(self, ours: int, theirs: int, *, same: bool) -> Iterator[_Use]:
        """Yield the inputs of a pair by role or place; None is where one has no such role."""
        mine, others = self.old.inputs[ours], self.new.inputs[theirs]
        if same and len(mine) == len(others):
            # Equal operations use inputs by equal numbers, and decoding them takes most time.
            yield from zip(range(len(mine)), mine, others, strict=True)
            return
        if self.new.vertex(theirs).kind in _LISTS and len(mine) != len(others):
            yield from self._aligned(mine, others)
            return
        before, now = roles(self.old.vertex(ours)), roles(self.new.vertex(theirs))
        for role in dict.fromkeys([*before, *now]):
            yield (
                role,
                mine[before[role]] if role in before else None,
                others[now[role]] if role in now else None,
            )

    def _aligned(self, mine: Sequence[_Place], others: Sequence[_Place]) -> Iterator[_Use]:
        """Yield the inputs of a list that got longer or shorter, those that are the same first."""
        left = dict.fromkeys(mine)
        for place, (at, output) in enumerate(others):
            partner = self.new.partner[at]
            same = None if partner is None else (partner, output)
            found = same if same in left else None
            if found is not None:
                del left[found]
            yield str(place), found, (at, output)
        for place, each in enumerate(mine):
            if each in left:
                yield str(place), each, None


@mutable
class _Inputs:
    """What is found out about the inputs of a pair of steps."""

    comparing: _Comparing
    step: Vertex
    fields: list[FieldChange]
    via: dict[str, None] = field(factory=dict)
    causes: dict[str, None] = field(factory=dict)
    names: dict[int, str] = field(factory=dict)

    def follow(self, role: str | int, first: _Place | None, second: _Place | None) -> None:
        """Take in what an input was and what it is now."""
        old, new = self.comparing.old, self.comparing.new
        if first is None or second is None or first[1] != second[1]:
            self._changed(role, first, second)
        elif new.partner[second[0]] in (first[0], None):
            self._differs(second[0])
        elif old.partner[first[0]] is None:
            # What is below the removed step may differ as well.
            self.via[old.steps[first[0]].digest] = None
            self.causes[old.steps[first[0]].digest] = None
            self._differs(second[0])
        else:
            self._changed(role, first, second)

    def _differs(self, at: int) -> None:
        if causes := self.comparing.causes[at]:
            self.via[self.comparing.new.steps[at].digest] = None
            self.causes.update(dict.fromkeys(causes))

    def _changed(self, role: str | int, first: _Place | None, second: _Place | None) -> None:
        old, new = self.comparing.old, self.comparing.new
        self.fields.append(
            FieldChange(
                f"input[{role if isinstance(role, str) else self._name(role)}]",
                None if first is None else _text(old, first),
                None if second is None else _text(new, second),
            )
        )

    def _name(self, place: int) -> str:
        if not self.names:
            self.names.update((at, role) for role, at in reversed(roles(self.step).items()))
        return self.names[place]


_Place: TypeAlias = tuple[int, int]
_Use: TypeAlias = tuple[str | int, _Place | None, _Place | None]


def _text(graph: Graph, place: _Place) -> str:
    at, output = place
    return f"output {output} of {graph.steps[at]}" if output else str(graph.steps[at])


def _ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(sorted(steps, key=lambda step: step.number))
