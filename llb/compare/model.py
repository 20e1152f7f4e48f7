"""What a comparison finds, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb.dump.labels import label, place

if TYPE_CHECKING:
    from llb.definition.decode import Vertex

Value: TypeAlias = object
"""A field's value: text, bytes, number, truth, ``{}`` for an empty message, a tuple of them."""


@frozen
class Step:
    """An operation and its number in its own definition, from 1."""

    number: int
    vertex: Vertex

    @property
    def digest(self) -> str:
        """The digest of the operation."""
        return self.vertex.digest

    @property
    def label(self) -> str:
        """What the step does, on one line; its custom name where it has one."""
        return label(self.vertex)

    @property
    def where(self) -> str:
        """The line that made the step, as ``file:line``, or its number as ``#1``."""
        return place(self.vertex.locations[0]) if self.vertex.locations else f"#{self.number}"

    def __str__(self) -> str:
        """Return where the step was written, and what it does."""
        return f"{self.where}: {self.label}"


@frozen
class FieldChange:
    """A field that is not the same on both sides; None is a field that is not there.

    ``path`` is dotted, entries of lists are named by what tells them apart:
    ``exec.meta.env[PATH]``, ``exec.mounts[/src].selector``. ``metadata`` is whether
    the field is only said about the step, outside of its digest.
    """

    path: str
    old: Value
    new: Value
    metadata: bool = False


@frozen
class ChangedStep:
    """A step that has the same role on both sides and fields of its own that differ.

    ``causes`` are digests as in :class:`AffectedStep`, where its inputs differ as well.
    """

    old: Step
    new: Step
    fields: tuple[FieldChange, ...]
    causes: tuple[str, ...] = ()

    @property
    def only_metadata(self) -> bool:
        """Whether the step itself does the same, so that nothing after it changes."""
        return all(each.metadata for each in self.fields)


@frozen
class AffectedStep:
    """A step that does the same on both sides, to inputs that are not the same.

    ``via`` are the digests of the inputs that differ, and ``causes`` those of the
    steps at which the difference begins, the first eight: of changed and added steps in
    the new definition, of removed ones in the old.
    """

    old: Step
    new: Step
    via: tuple[str, ...]
    causes: tuple[str, ...]


@frozen
class RootCause:
    """A step at which a difference begins, and the steps that are affected by it.

    ``step`` is changed, or was added, or, where ``removed``, was removed.
    """

    step: ChangedStep | Step
    removed: bool
    dependants: tuple[AffectedStep, ...]

    @property
    def at(self) -> Step:
        """The step as the new definition has it, or the old one where it was removed."""
        return self.step.new if isinstance(self.step, ChangedStep) else self.step


@frozen
class Comparison:
    """What is different between an old and a new definition.

    All steps are in the order of their definition. ``kept`` are pairs of steps that do the
    same to the same inputs; ``affected`` do not contain the result itself. ``marked`` are the
    local directories, as pairs of old and new, that differ only in the mark which keeps
    apart the directories of concurrent builds; it is no difference.
    """

    added: tuple[Step, ...] = ()
    removed: tuple[Step, ...] = ()
    changed: tuple[ChangedStep, ...] = ()
    affected: tuple[AffectedStep, ...] = ()
    kept: tuple[tuple[Step, Step], ...] = ()
    marked: tuple[tuple[Step, Step], ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both definitions say the same, lines of source files apart."""
        return not (self.added or self.removed or self.changed)

    @property
    def rebuilds(self) -> bool:
        """Whether a step of the new definition differs from all of the old in what it does."""
        return bool(self.added or self.affected) or any(
            not each.only_metadata or each.causes for each in self.changed
        )

    def root_causes(self) -> tuple[RootCause, ...]:
        """Return where differences begin, in order: changed and added steps, then removed ones."""
        dependants: dict[str, list[AffectedStep]] = {}
        for each in self.affected:
            for cause in each.causes:
                dependants.setdefault(cause, []).append(each)
        own: list[ChangedStep | Step] = [each for each in self.changed if not each.only_metadata]
        found = [
            RootCause(step, removed=False, dependants=tuple(dependants.get(_digest(step), ())))
            for step in sorted([*own, *self.added], key=_number)
        ]
        found += [
            RootCause(step, removed=True, dependants=tuple(dependants[step.digest]))
            for step in self.removed
            if step.digest in dependants
        ]
        return tuple(found)


def _digest(step: ChangedStep | Step) -> str:
    return step.digest if isinstance(step, Step) else step.new.digest


def _number(step: ChangedStep | Step) -> int:
    return step.number if isinstance(step, Step) else step.new.number
