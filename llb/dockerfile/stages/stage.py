"""A build stage: its base, its instructions, and the stages that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.instructions.nodes import AddedInstruction, Copy, Run, Workdir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Platform
    from llb.dockerfile.instructions.nodes import From, Instruction, Origin, TakesFromStage
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.dockerfile.sources.requests import ImageRequest, Request

_STEPS = (Run, Copy, Workdir)


@define(eq=False)
class Stage:
    """A build stage, or an image that a stage copies from or mounts.

    ``origin`` is the FROM that begins it, or the instruction that uses the image. It begins with
    the stage ``base``, with the ``image`` of a registry, or with the named ``context`` that
    replaces the image or the whole stage; all three are None for scratch. ``needs`` are the stages
    that it copies from or mounts, by instruction and index in its ``stages``. ``mounted`` is
    whether it is an image that a RUN mounts. ``triggers`` are the ONBUILD instructions of the
    base, which run before ``instructions``. ``numbered`` is how often Docker numbered the image
    before it knew that the stage is needed.
    """

    begin: From | None
    label: str
    name: str | None
    platform: Platform | None
    base: Stage | None
    image: ImageRequest | None
    origin: Origin = field(repr=False)
    context: ContextRequest | None = None
    instructions: list[Instruction] = field(factory=list, repr=False)
    needs: dict[tuple[TakesFromStage, int], Stage] = field(factory=dict, repr=False)
    mounted: bool = False
    triggers: tuple[Instruction, ...] = ()
    numbered: int = 0

    @property
    def steps(self) -> int:
        """The number of numbered steps: the base image, and the instructions that change files.

        An image that is only copied from has no numbers.
        """
        if self.begin is None or self.is_replaced:
            return 0
        counted = sum(map(is_step, self.instructions))
        return counted + (self.request is not None)

    @property
    def request(self) -> Request | None:
        """The image or named context that it begins with."""
        return self.image or self.context

    @property
    def is_replaced(self) -> bool:
        """Whether a named context replaces it, so that none of its instructions run."""
        return self.context is not None and self.context.is_stage

    def dependencies(self) -> Iterable[Stage]:
        """Iterate over the direct dependencies of this stage, its base first."""
        return (*((self.base,) if self.base else ()), *self.needs.values())

    def closure(self) -> frozenset[Stage]:
        """Collect the stages that this one needs, directly or not, and itself."""
        reachable = {self}
        pending: list[Stage] = [self]
        while pending:
            for stage in pending.pop().dependencies():
                if stage not in reachable:
                    reachable.add(stage)
                    pending.append(stage)
        return frozenset(reachable)


def is_step(instruction: Instruction) -> bool:
    """Check whether Docker numbers an instruction."""
    if isinstance(instruction, AddedInstruction):
        return instruction.kind.is_step
    return isinstance(instruction, _STEPS)
