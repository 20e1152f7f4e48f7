"""Link the stages: find the stage or image that an instruction copies from or mounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.nodes import SCRATCH, Run, TakesFromStage
from llb.dockerfile.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.sources.named_contexts import ContextRequest
    from llb.dockerfile.sources.requests import ImageRequest
    from llb.dockerfile.stages.bases import Bases

# A longer number is not the index of a stage but the name of an image.
_INDEX = re.compile(r"[+-]?[0-9]{1,18}\Z")


@define
class StageLinks:
    """Links stages to their sources; images are added to ``stages`` too."""

    bases: Bases
    stages: list[Stage]
    _scratch: dict[bool, Stage] = field(factory=dict)

    def connect(self, stage: Stage, instructions: Iterable[Instruction]) -> None:
        """Link a stage to the sources of its instructions. Raises DockerfileError."""
        for instruction in instructions:
            if not isinstance(instruction, TakesFromStage):
                continue
            for index, name in enumerate(instruction.stages):
                source = self._find_source(instruction, name)
                if source is None:
                    source = self._create_image_stage(instruction, name)
                    self.stages.append(source)
                stage.needs[instruction, index] = source

    def _find_source(self, instruction: TakesFromStage, name: str) -> Stage | None:
        if isinstance(instruction, Run):
            return self.bases.by_name.get(name.lower())
        span = instruction.origin.span
        if self.bases.expand(name, span, empty=True) != name:
            raise errors.variable_in_from(span)
        if _INDEX.match(name) is None:
            return self.bases.by_name.get(name.lower())
        index = int(name)
        if not 0 <= index < len(self.stages):
            raise errors.bad_stage_index(span, index)
        return self.stages[index]

    def _create_image_stage(self, instruction: TakesFromStage, name: str) -> Stage:
        """Create a stage for an image, or for scratch, that an instruction takes from."""
        if name == SCRATCH:
            # Builds have thousands of caches, and each would create another stage.
            is_run = isinstance(instruction, Run)
            if is_run not in self._scratch:
                self._scratch[is_run] = _unnamed_stage(instruction, None, None)
            return self._scratch[is_run]
        image = self.bases.image(name, None, instruction.origin.span)
        context = self.bases.image_context(image)
        return _unnamed_stage(instruction, None if context else image, context)


def _unnamed_stage(
    instruction: TakesFromStage, image: ImageRequest | None, context: ContextRequest | None
) -> Stage:
    return Stage(
        begin=None,
        label="",
        name=None,
        platform=None,
        base=None,
        image=image,
        origin=instruction.origin,
        context=context,
        mounted=isinstance(instruction, Run),
    )
