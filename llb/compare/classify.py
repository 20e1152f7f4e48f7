"""Classify the steps of two definitions as added, removed, changed, affected or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import field, mutable

from llb.arguments.checked import checked
from llb.compare.fields import field_changes, metadata_changes, numbered_changes
from llb.compare.graph import Graph, Keys, is_marked
from llb.compare.matching import match
from llb.compare.model import AffectedStep, ChangedStep, ComparedStep, Comparison, FieldChange
from llb.compare.roles import roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# Without a limit, a graph in which every step depends on every other takes quadratic memory.
_MAX_CAUSES = 8
# Operations whose inputs are numbered rather than named.
_LIST_KINDS = ("merge", "passthrough")


@checked
def compare(old: Definition, new: Definition) -> Comparison:
    """Compare two definitions and list the differences in ``new``.

    Steps with equal digests are the same. The others are paired with the step that has the same
    role, judged by content, name, command, neighbours and source lines. A pair is *changed* if its
    own fields differ, and *affected* if only its inputs do. Source locations, and the mark of a
    build in a local directory, are ignored.

    Time and memory are linear in the number of steps. Raises InvalidDefinitionError if an operation
    cannot be decoded.
    """
    keys = Keys()
    classifier = _Classifier(Graph.of(old, keys), Graph.of(new, keys))
    match(classifier.old, classifier.new)
    for at in range(len(classifier.new.steps)):
        classifier.classify(at)
    return classifier.result()


@mutable
class _Classifier:
    """A comparison in progress; ``causes`` has an entry for each step of the new definition."""

    old: Graph
    new: Graph
    causes: list[tuple[str, ...]] = field(factory=list)
    changed: list[ChangedStep] = field(factory=list)
    affected: list[AffectedStep] = field(factory=list)
    kept: list[tuple[ComparedStep, ComparedStep]] = field(factory=list)
    marked: list[tuple[ComparedStep, ComparedStep]] = field(factory=list)

    def classify(self, index: int) -> None:
        """Classify a step of the new definition, after the steps below it."""
        partner, step = self.new.partner[index], self.new.steps[index]
        if partner is None:
            self.causes.append((step.digest,))
            return
        old_step = self.old.steps[partner]
        if self.old.whole[partner] == self.new.whole[index]:
            self._classify_equal(old_step, step)
            return
        fields, via, causes = self._differences(partner, index)
        self.causes.append((step.digest,) if fields else causes)
        if fields:
            metadata_fields = metadata_changes(old_step.vertex, step.vertex, caps=False)
            self.changed.append(ChangedStep(old_step, step, fields + metadata_fields, causes))
            return
        metadata_fields = self._metadata_changes(old_step, step)
        if metadata_fields:
            self.changed.append(ChangedStep(old_step, step, metadata_fields, causes))
        if step.vertex.kind is not None:
            self.affected.append(AffectedStep(old_step, step, via, causes))

    def result(self) -> Comparison:
        """Build the comparison, sorted in the order of the definitions."""
        return Comparison(
            added=_in_order(self.new.steps[index] for index in self.new.free()),
            removed=_in_order(self.old.steps[index] for index in self.old.free()),
            changed=tuple(sorted(self.changed, key=lambda change: change.new.number)),
            affected=tuple(sorted(self.affected, key=lambda change: change.new.number)),
            kept=tuple(sorted(self.kept, key=lambda pair: pair[1].number)),
            marked=tuple(sorted(self.marked, key=lambda pair: pair[1].number)),
        )

    def _classify_equal(self, old_step: ComparedStep, step: ComparedStep) -> None:
        self.causes.append(())
        self.kept.append((old_step, step))
        # Equal keys but different digests: a local directory, or a step that uses one.
        if old_step.digest != step.digest and is_marked(step.vertex):
            self.marked.append((old_step, step))
        if metadata_fields := self._metadata_changes(old_step, step):
            self.changed.append(ChangedStep(old_step, step, metadata_fields))

    @staticmethod
    def _metadata_changes(
        old_step: ComparedStep, new_step: ComparedStep
    ) -> tuple[FieldChange, ...]:
        """Compare the metadata of a pair; the last operation has that of the whole definition."""
        if old_step.vertex.metadata == new_step.vertex.metadata:
            return ()
        return metadata_changes(
            old_step.vertex, new_step.vertex, caps=new_step.vertex.kind is not None
        )

    def _differences(
        self, ours: int, theirs: int
    ) -> tuple[tuple[FieldChange, ...], tuple[str, ...], tuple[str, ...]]:
        """Find the fields of a pair that differ, the inputs that differ, and the root causes."""
        old_vertex, new_vertex = self.old.vertex(ours), self.new.vertex(theirs)
        is_equal = self.old.own[ours] == self.new.own[theirs]
        inputs = _Inputs(
            self, new_vertex, [] if is_equal else list(field_changes(old_vertex, new_vertex))
        )
        for role, first, second in self._paired_inputs(ours, theirs, is_equal=is_equal):
            inputs.follow(role, first, second)
        if not inputs.fields and not inputs.causes:
            inputs.fields += numbered_changes(old_vertex, new_vertex)
        return tuple(inputs.fields), tuple(inputs.via), tuple(inputs.causes)[:_MAX_CAUSES]

    def _paired_inputs(self, ours: int, theirs: int, *, is_equal: bool) -> Iterator[_PairedInput]:
        """Yield the inputs of a pair by role or index; None if one step lacks the role."""
        old_inputs, new_inputs = self.old.inputs[ours], self.new.inputs[theirs]
        if is_equal and len(old_inputs) == len(new_inputs):
            # Equal operations number their inputs alike, and decoding them is the slow part.
            yield from zip(range(len(old_inputs)), old_inputs, new_inputs, strict=True)
            return
        if self.new.vertex(theirs).kind in _LIST_KINDS and len(old_inputs) != len(new_inputs):
            yield from self._aligned_inputs(old_inputs, new_inputs)
            return
        old_roles, new_roles = roles(self.old.vertex(ours)), roles(self.new.vertex(theirs))
        for role in dict.fromkeys([*old_roles, *new_roles]):
            yield (
                role,
                old_inputs[old_roles[role]] if role in old_roles else None,
                new_inputs[new_roles[role]] if role in new_roles else None,
            )

    def _aligned_inputs(
        self, old_inputs: Sequence[_Source], new_inputs: Sequence[_Source]
    ) -> Iterator[_PairedInput]:
        """Yield the inputs of a list that grew or shrank, equal inputs paired first."""
        unmatched = dict.fromkeys(old_inputs)
        for index, (position, output) in enumerate(new_inputs):
            partner = self.new.partner[position]
            candidate = None if partner is None else (partner, output)
            matched_input = candidate if candidate in unmatched else None
            if matched_input is not None:
                del unmatched[matched_input]
            yield str(index), matched_input, (position, output)
        for index, old_input in enumerate(old_inputs):
            if old_input in unmatched:
                yield str(index), old_input, None


@mutable
class _Inputs:
    """The differences between the inputs of two steps."""

    classifier: _Classifier
    step: Vertex
    fields: list[FieldChange]
    via: dict[str, None] = field(factory=dict)
    causes: dict[str, None] = field(factory=dict)
    names: dict[int, str] = field(factory=dict)

    def follow(self, role: str | int, before: _Source | None, after: _Source | None) -> None:
        """Compare an input before and after."""
        old, new = self.classifier.old, self.classifier.new
        if before is None or after is None or before[1] != after[1]:
            self._add_field(role, before, after)
        elif new.partner[after[0]] in (before[0], None):
            self._add_causes(after[0])
        elif old.partner[before[0]] is None:
            # The steps below the removed step may differ as well.
            self.via[old.steps[before[0]].digest] = None
            self.causes[old.steps[before[0]].digest] = None
            self._add_causes(after[0])
        else:
            self._add_field(role, before, after)

    def _add_causes(self, position: int) -> None:
        if causes := self.classifier.causes[position]:
            self.via[self.classifier.new.steps[position].digest] = None
            self.causes.update(dict.fromkeys(causes))

    def _add_field(self, role: str | int, before: _Source | None, after: _Source | None) -> None:
        old, new = self.classifier.old, self.classifier.new
        self.fields.append(
            FieldChange(
                f"input[{role if isinstance(role, str) else self._role_name(role)}]",
                None if before is None else _describe(old, before),
                None if after is None else _describe(new, after),
            )
        )

    def _role_name(self, index: int) -> str:
        if not self.names:
            self.names.update(
                (position, role) for role, position in reversed(roles(self.step).items())
            )
        return self.names[index]


_Source: TypeAlias = tuple[int, int]
_PairedInput: TypeAlias = tuple[str | int, _Source | None, _Source | None]


def _describe(graph: Graph, source: _Source) -> str:
    position, output = source
    return f"output {output} of {graph.steps[position]}" if output else str(graph.steps[position])


def _in_order(steps: Iterable[ComparedStep]) -> tuple[ComparedStep, ...]:
    return tuple(sorted(steps, key=lambda step: step.number))
