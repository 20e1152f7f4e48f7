"""The result of a comparison, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb.dump.labels import label, place

if TYPE_CHECKING:
    from llb.definition.decode import Vertex

Value: TypeAlias = object
"""The value of a field: str, bytes, number, bool, ``{}`` for an empty message, or a tuple."""


@frozen
class ComparedStep:
    """An operation and its number in its own definition, from 1."""

    number: int
    vertex: Vertex

    @property
    def digest(self) -> str:
        """The digest of the operation."""
        return self.vertex.digest

    @property
    def label(self) -> str:
        """A one-line description of the step: its custom name, if any, or its command."""
        return label(self.vertex)

    @property
    def where(self) -> str:
        """The source line of the step, as ``file:line``, or its number as ``#1``."""
        return place(self.vertex.locations[0]) if self.vertex.locations else f"#{self.number}"

    def __str__(self) -> str:
        """Format the source line and the label."""
        return f"{self.where}: {self.label}"


@frozen
class FieldChange:
    """A field that differs between the two sides; None is a missing field.

    ``path`` is dotted, and list entries are named by their identifying field:
    ``exec.meta.env[PATH]``, ``exec.mounts[/src].selector``. ``metadata`` is whether the field is
    metadata of the step, outside its digest.
    """

    path: str
    old: Value
    new: Value
    metadata: bool = False


@frozen
class ChangedStep:
    """A step with the same role on both sides whose own fields differ.

    ``causes`` are digests as in :class:`AffectedStep`, if its inputs differ as well.
    """

    old: ComparedStep
    new: ComparedStep
    fields: tuple[FieldChange, ...]
    causes: tuple[str, ...] = ()

    @property
    def only_metadata(self) -> bool:
        """Whether only metadata changed, so no later step is affected."""
        return all(change.metadata for change in self.fields)


@frozen
class AffectedStep:
    """A step with the same content on both sides whose inputs differ.

    ``via`` are the digests of the inputs that differ. ``causes`` are the digests of up to eight
    root causes: changed and added steps of the new definition, and removed steps of the old one.
    """

    old: ComparedStep
    new: ComparedStep
    via: tuple[str, ...]
    causes: tuple[str, ...]


@frozen
class RootCause:
    """A step at which a difference begins, and the steps that it affects.

    ``step`` was removed if ``removed`` is set; otherwise it was changed or added.
    """

    step: ChangedStep | ComparedStep
    removed: bool
    dependants: tuple[AffectedStep, ...]

    @property
    def at(self) -> ComparedStep:
        """The step in the new definition, or in the old one if it was removed."""
        return self.step.new if isinstance(self.step, ChangedStep) else self.step


@frozen
class Comparison:
    """The differences between an old and a new definition.

    All steps are in the order of their definition. ``kept`` are pairs of steps with equal content
    and inputs; ``affected`` does not contain the result itself. ``marked`` are pairs of local
    directories that differ only in the mark that separates concurrent builds, which does not count
    as a difference.
    """

    added: tuple[ComparedStep, ...] = ()
    removed: tuple[ComparedStep, ...] = ()
    changed: tuple[ChangedStep, ...] = ()
    affected: tuple[AffectedStep, ...] = ()
    kept: tuple[tuple[ComparedStep, ComparedStep], ...] = ()
    marked: tuple[tuple[ComparedStep, ComparedStep], ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both definitions are equal, apart from source locations."""
        return not (self.added or self.removed or self.changed)

    @property
    def rebuilds(self) -> bool:
        """Whether a step of the new definition has to run again."""
        return bool(self.added or self.affected) or any(
            not step.only_metadata or step.causes for step in self.changed
        )

    def root_causes(self) -> tuple[RootCause, ...]:
        """List the steps where differences begin: changed and added ones, then removed ones."""
        dependants: dict[str, list[AffectedStep]] = {}
        for affected in self.affected:
            for cause in affected.causes:
                dependants.setdefault(cause, []).append(affected)
        own: list[ChangedStep | ComparedStep] = [
            step for step in self.changed if not step.only_metadata
        ]
        causes = [
            RootCause(step, removed=False, dependants=tuple(dependants.get(_digest(step), ())))
            for step in sorted([*own, *self.added], key=_number)
        ]
        causes += [
            RootCause(step, removed=True, dependants=tuple(dependants[step.digest]))
            for step in self.removed
            if step.digest in dependants
        ]
        return tuple(causes)


def _digest(step: ChangedStep | ComparedStep) -> str:
    return step.digest if isinstance(step, ComparedStep) else step.new.digest


def _number(step: ChangedStep | ComparedStep) -> int:
    return step.number if isinstance(step, ComparedStep) else step.new.number
