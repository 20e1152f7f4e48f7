"""Build the graph of stages: their dependencies, images, and what the target needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.nodes import Arg, From
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages import source_date_epoch as epoch
from llb.dockerfile.stages.bases import Bases
from llb.dockerfile.stages.cycles import check_cycles
from llb.dockerfile.stages.global_args import global_arguments
from llb.dockerfile.stages.links import StageLinks
from llb.dockerfile.stages.triggers import Triggers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from llb.dockerfile.grammar import Grammar
    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.sources.requests import Found, Request
    from llb.dockerfile.stages.stage import Stage


@frozen
class StageGraph:
    """All stages in order, the target, the stages that it needs, and the global arguments.

    ``stages`` also contains the images that are copied from, after the stages of the file.
    ``build_args`` are those of the client, ``epoch`` the time of SOURCE_DATE_EPOCH.
    """

    stages: tuple[Stage, ...]
    target: Stage
    reachable: frozenset[Stage]
    arguments: Mapping[str, str]
    build_args: Mapping[str, str]
    epoch: datetime | None

    @property
    def requests(self) -> tuple[Request, ...]:
        """The images and contexts of the reachable stages, without duplicates."""
        requests = (stage.request for stage in self.stages if stage in self.reachable)
        return tuple(dict.fromkeys(request for request in requests if request is not None))


def build_graph(
    source: errors.Source,
    instructions: tuple[Instruction, ...],
    escape: str,
    options: ConvertOptions,
    images: Found,
    grammar: Grammar,
) -> StageGraph:
    """Divide the instructions into stages and link their dependencies. Raises DockerfileError.

    The ONBUILD triggers of images are included as far as ``images`` are resolved.
    """
    expander = Expander(escape=escape)
    number = _find_first_from(source, instructions)
    scope = _evaluate_globals(instructions, number, options, expander)
    bases = Bases(options, expander, scope.arguments)
    stages = _divide_into_stages(instructions[number:], bases)
    target = _find_target(source, stages, bases.by_name, options.target)
    links = StageLinks(bases, stages)
    for stage in list(stages):
        links.connect(stage, stage.instructions)
    check_cycles(stages)
    if len(stages) == 1:
        stages[0].label = ""
    bases.refuse_bad_images()
    Triggers(source, grammar, images).add(target, links)
    bases.refuse_bad_images()
    return StageGraph(
        stages=tuple(stages),
        target=target,
        reachable=frozenset(stages) if options.all_stages else target.closure(),
        arguments=scope.arguments,
        build_args=scope.build_args,
        epoch=scope.epoch,
    )


@frozen
class _GlobalScope:
    """The global arguments and build args, with SOURCE_DATE_EPOCH as a number."""

    arguments: Mapping[str, str]
    build_args: Mapping[str, str]
    epoch: datetime | None


def _find_first_from(source: errors.Source, instructions: tuple[Instruction, ...]) -> int:
    """Find the first FROM. Raises DockerfileError if an instruction other than ARG precedes it."""
    for number, instruction in enumerate(instructions):
        if isinstance(instruction, From):
            return number
        if not isinstance(instruction, Arg):
            raise errors.no_stage_yet(instruction.origin.span)
    raise errors.no_stages(source)


def _evaluate_globals(
    instructions: tuple[Instruction, ...],
    number: int,
    options: ConvertOptions,
    expander: Expander,
) -> _GlobalScope:
    """Evaluate the arguments before the first FROM, and SOURCE_DATE_EPOCH among them."""
    last = next(
        instruction for instruction in reversed(instructions) if isinstance(instruction, From)
    )
    automatic = options.automatic_arguments(options.target or last.name or "")
    scope = global_arguments(instructions[:number], automatic, options.build_args, expander)
    arguments, build_args = scope.values, dict(options.build_args)
    declaration = scope.declared.get(epoch.NAME)
    moment = epoch.find_epoch(
        build_args.get(epoch.NAME, arguments.get(epoch.NAME, "")),
        instructions[number:],
        arguments,
        options,
        expander,
        None if declaration is None else declaration.origin.span,
    )
    for variables in (build_args, arguments):
        if moment is None:
            variables.pop(epoch.NAME, None)
        elif epoch.NAME in variables:
            variables[epoch.NAME] = epoch.seconds(moment)
    return _GlobalScope(arguments, build_args, moment)


def _divide_into_stages(instructions: tuple[Instruction, ...], bases: Bases) -> list[Stage]:
    """Divide instructions into stages."""
    stages: list[Stage] = []
    for instruction in instructions:
        if isinstance(instruction, From):
            stages.append(bases.begin(instruction, len(stages)))
        else:
            stages[-1].instructions.append(instruction)
    return stages


def _find_target(
    source: errors.Source, stages: list[Stage], by_name: Mapping[str, Stage], name: str | None
) -> Stage:
    if name is None:
        return [stage for stage in stages if stage.begin is not None][-1]
    target = by_name.get(name.lower())
    if target is None:
        raise errors.unknown_target(source, name, by_name)
    return target
