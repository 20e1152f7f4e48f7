"""Trace of a conversion, for passes that inspect it afterwards.

The checks and the outline are derived from it, whether the conversion succeeded or failed.
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


# Every instruction of a build creates one, and a frozen class takes three times as long.
@define(eq=False)
class Step:
    """A converted instruction, with the state and the image's shell before it.

    ``is_windows`` is whether the stage is for Windows, whatever the platform of its image is.
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
    """The progress of a conversion; a pass that was not reached leaves its field None or empty.

    ``settings`` are those of the checks, ``instructions`` those of the file. ``steps`` are the
    converted instructions in order; if the conversion failed, it failed at the last one.
    """

    instructions: tuple[Instruction, ...] | None = None
    graph: StageGraph | None = None
    images: Found = field(factory=dict)
    settings: Settings | None = None
    steps: list[Step] = field(factory=list)
    is_complete: bool = False
