"""Outline of a target: its build arguments, secrets and SSH agents.

It is derived from the trace of a conversion. An argument is part of it if it is used: in FROM, in
a declaration in a stage that the target needs, or in the value of another used argument.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.instructions.nodes import Arg, Run
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.global_args import Declaration, Lookups, global_arguments
from llb.dockerfile.stages.targets import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.stages.global_args import Globals
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.stages.stage import Stage
    from llb.dockerfile.trace import Step, Trail

Lines = tuple[int, int]


@frozen
class Argument:
    """A build argument with its value in this build, empty if it has none."""

    name: str
    description: str
    value: str
    lines: Lines


@frozen
class Need:
    """A secret or an SSH agent by its id."""

    name: str
    is_required: bool
    lines: Lines


@frozen
class Outline:
    """The arguments, secrets and SSH agents of a target, with their line numbers."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    secrets: tuple[Need, ...]
    ssh: tuple[Need, ...]


def outline(parsed: Parsed, options: ConvertOptions, trail: Trail) -> Outline:
    """Derive the outline of the target from a finished conversion."""
    assert trail.graph is not None
    assert trail.instructions is not None
    graph = trail.graph
    expander = Expander(escape=parsed.escape)
    arguments = global_arguments(
        trail.instructions,
        options.automatic_arguments(options.target or ""),
        options.build_args,
        expander,
    )
    uses = _collect_from_arguments(graph, arguments, expander)
    for step in trail.steps:
        _collect_step(step, uses[step.stage], graph, expander)
    begin = graph.target.begin
    name = graph.target.name or ""
    needed = [uses[stage] for stage in _depth_first(graph.target)]
    return Outline(
        name=name,
        description="" if begin is None else describe(begin.origin.comments, name),
        arguments=_arguments(needed),
        secrets=_merge_needs([stage_uses.secrets for stage_uses in needed]),
        ssh=_merge_needs([stage_uses.ssh for stage_uses in needed]),
    )


@define
class _Uses:
    """The arguments that a stage uses, with their declarations, and its secrets and SSH agents."""

    declared: dict[str, Declaration] = field(factory=dict)
    used: set[str] = field(factory=set)
    secrets: dict[str, Need] = field(factory=dict)
    ssh: dict[str, Need] = field(factory=dict)


def _collect_from_arguments(
    graph: StageGraph, arguments: Globals, expander: Expander
) -> dict[Stage, _Uses]:
    """Collect the arguments of all FROMs; a stage inherits those of its base stage."""
    uses: defaultdict[Stage, _Uses] = defaultdict(_Uses)
    for stage in graph.stages:
        if stage.begin is None:
            continue
        inherited = set() if stage.base is None else uses[stage.base].used
        variables = Lookups(arguments.values)
        expander.word(stage.begin.base, variables)
        expander.word(stage.begin.platform or "", variables)
        uses[stage] = _Uses(dict(arguments.declared), inherited | set(variables.found))
    return uses


def _collect_step(step: Step, uses: _Uses, graph: StageGraph, expander: Expander) -> None:
    match step.instruction:
        case Arg():
            for declaration in _declarations(step, step.instruction, graph, expander):
                # An inherited value keeps its global declaration.
                if declaration is not None:
                    uses.declared[declaration.name] = declaration
            uses.used.update(name for name, _ in step.instruction.args)
        case Run() if step.instruction.mounts:
            _collect_mounts(step, step.instruction, uses, expander)


def _declarations(
    step: Step, instruction: Arg, graph: StageGraph, expander: Expander
) -> Iterator[Declaration | None]:
    env = step.env
    for name, default in instruction.args:
        inherited = default is None and name not in graph.build_args
        value = graph.build_args.get(name)
        if inherited:
            value = graph.arguments.get(name)
        elif value is None and default is not None:
            value = expander.word(default, env)
        yield (
            None
            if inherited and value is not None
            else Declaration(name, value, instruction.origin)
        )
        if value is not None:
            env[name] = value


def _collect_mounts(step: Step, instruction: Run, uses: _Uses, expander: Expander) -> None:
    env = step.env
    for flag in instruction.mounts:
        mount = parse_mount(
            flag, lambda value: expander.word(value, env), is_windows=step.is_windows
        )
        if mount.kind == "secret":
            needs, name = uses.secrets, mount.secret_id
        elif mount.kind == "ssh":
            needs, name = uses.ssh, mount.id or "default"
        else:
            continue
        needs.setdefault(name, Need(name, mount.required, instruction.origin.lines))


def _depth_first(target: Stage) -> Iterator[Stage]:
    """Yield a stage and those that it needs, its base before the stages that it copies from."""
    seen: set[Stage] = set()
    pending = [target]
    while pending:
        stage = pending.pop()
        if stage not in seen:
            seen.add(stage)
            yield stage
            pending.extend(reversed(tuple(stage.dependencies())))


def _arguments(needed: list[_Uses]) -> tuple[Argument, ...]:
    arguments: dict[str, Argument] = {}
    for uses in needed:
        for name in _used_arguments(uses):
            declaration = uses.declared.get(name)
            if declaration is not None and name not in arguments:
                origin = declaration.origin
                description = describe(origin.comments, name)
                arguments[name] = Argument(name, description, declaration.value or "", origin.lines)
    return tuple(sorted(arguments.values(), key=lambda argument: argument.lines[0]))


def _used_arguments(uses: _Uses) -> list[str]:
    """List the arguments that are used, and those that their values depend on."""
    seen: set[str] = set()
    pending = sorted(uses.used)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            declaration = uses.declared.get(name)
            pending.extend(() if declaration is None else declaration.needs)
    # Arguments of one line keep the order of their declarations.
    return [name for name in uses.declared if name in seen]


def _merge_needs(needs_by_stage: list[dict[str, Need]]) -> tuple[Need, ...]:
    merged: dict[str, Need] = {}
    for needs in needs_by_stage:
        for name, need in needs.items():
            merged.setdefault(name, need)
    return tuple(sorted(merged.values(), key=lambda need: need.lines[0]))
