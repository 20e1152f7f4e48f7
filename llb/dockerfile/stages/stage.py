"""A stage: where it begins, its instructions, and the stages that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.instructions.nodes import Added, Copy, Run, Workdir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Platform
    from llb.dockerfile.instructions.nodes import From, Instruction, Origin, Taking
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.dockerfile.sources.requests import ImageRequest, Request

_STEPS = (Run, Copy, Workdir)


@define(eq=False)
class Stage:
    """A stage, or an image that a stage copies from.

    ``origin`` is the FROM that begins it, or the instruction that takes from the image.
    ``base`` is the stage that it builds upon, else ``image`` the one in a registry, else
    ``context`` the named one that stands for the image or for the whole stage; all are
    absent for scratch. ``needs`` are the stages that it copies from or mounts,
    by the instruction that does and the place in its ``stages``. ``mounted`` is whether
    it is an image that a RUN mounts. ``triggers`` are the instructions that ONBUILD left
    in the base, which come before its own. ``numbered`` is how often Docker has numbered
    the image before it found out that the stage is needed.
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
    needs: dict[tuple[Taking, int], Stage] = field(factory=dict, repr=False)
    mounted: bool = False
    triggers: tuple[Instruction, ...] = ()
    numbered: int = 0

    @property
    def steps(self) -> int:
        """How many steps are numbered: the image, and its own that change files.

        An image that is just copied from has no numbers.
        """
        if self.begin is None or self.is_replaced:
            return 0
        counted = sum(map(is_step, self.instructions))
        return counted + (self.request is not None)

    @property
    def request(self) -> Request | None:
        """What it begins with that is not in the file."""
        return self.image or self.context

    @property
    def is_replaced(self) -> bool:
        """Whether a named context stands in its place, so that nothing of it is run."""
        return self.context is not None and self.context.is_stage

    def below(self) -> Iterable[Stage]:
        """Return the stages that this one needs first."""
        return (*((self.base,) if self.base else ()), *self.needs.values())

    def closure(self) -> frozenset[Stage]:
        """Collect the stages that this one needs, directly or not, and itself."""
        reachable = {self}
        pending: list[Stage] = [self]
        while pending:
            for stage in pending.pop().below():
                if stage not in reachable:
                    reachable.add(stage)
                    pending.append(stage)
        return frozenset(reachable)


def is_step(instruction: Instruction) -> bool:
    """Tell whether Docker numbers an instruction."""
    if isinstance(instruction, Added):
        return instruction.kind.is_step
    return isinstance(instruction, _STEPS)
