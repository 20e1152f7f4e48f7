"""ONBUILD: run the instructions of a base image or stage in the stages that begin with it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from attrs import frozen

from llb.dockerfile.instructions.nodes import Onbuild
from llb.dockerfile.instructions.parse import interpret_trigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.dockerfile.errors import catalogue as errors
    from llb.dockerfile.grammar import Grammar
    from llb.dockerfile.instructions.nodes import From, Instruction
    from llb.dockerfile.sources.requests import Found
    from llb.dockerfile.stages.links import StageLinks
    from llb.dockerfile.stages.stage import Stage


@frozen
class Triggers:
    """Reads the ONBUILD triggers of stages, and of ``images`` as far as they are resolved."""

    source: errors.Source
    grammar: Grammar
    images: Found

    def add(self, target: Stage, links: StageLinks) -> None:
        """Add the triggers of all stages that the target needs.

        Triggers may need more stages, which have triggers too.
        """
        done: set[Stage] = set()
        for count in itertools.count():
            reachable = target.closure() - done
            if not reachable:
                return
            for stage in [stage for stage in links.stages if stage in reachable]:
                done.add(stage)
                stage.numbered = count if stage.request is not None else 0
                if stage.begin is not None:
                    stage.triggers = self._interpret_triggers(stage, stage.begin)
                    links.connect(stage, stage.triggers)

    def _interpret_triggers(self, stage: Stage, begin: From) -> tuple[Instruction, ...]:
        expressions: Iterable[str] = ()
        if stage.base is not None:
            expressions = [
                instruction.expression
                for instruction in stage.base.instructions
                if isinstance(instruction, Onbuild)
            ]
        elif stage.request is not None and stage.request in self.images:
            expressions = self.images[stage.request].triggers
        return tuple(
            interpret_trigger(expression, begin, self.source, self.grammar)
            for expression in expressions
        )
