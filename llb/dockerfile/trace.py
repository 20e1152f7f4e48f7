"""What the passes over a Dockerfile leave behind, for passes that look on.

The checks and the outline are made of it after a conversion, whether it went well or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from llb import State
    from llb.dockerfile.check_settings import Settings
    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.sources.requests import Found
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.stages.stage import Stage


# There is one for each instruction of a build, and a frozen class takes three times as long.
@define(eq=False)
class Step:
    """An instruction that was converted, with the state and the shell of the image before it.

    ``is_windows`` is whether the stage is for Windows, whatever its image is for.
    """

    stage: Stage
    instruction: Instruction
    state: State = field(repr=False)
    shell: tuple[str, ...] | None = field(repr=False)
    is_windows: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The variables before the instruction."""
        return dict(self.state.variables)


@define(eq=False)
class Trail:
    """How far a conversion came: what is absent was not reached.

    ``settings`` are those of the checks, ``instructions`` those of the file, ``steps`` those
    that were converted, in that order; the last one of a conversion that failed is the one
    that failed.
    """

    instructions: tuple[Instruction, ...] | None = None
    graph: StageGraph | None = None
    images: Found = field(factory=dict)
    settings: Settings | None = None
    steps: list[Step] = field(factory=list)
    is_complete: bool = False
