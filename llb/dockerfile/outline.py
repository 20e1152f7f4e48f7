"""What a build of a target can be given: its arguments, secrets and ssh agents.

It is made of what a conversion leaves behind. An argument counts where it is used: in FROM, in
a declaration of a stage that the target needs, and in the value of an argument that counts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.instructions.nodes import Arg, Run
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.global_args import Declared, Lookups, global_arguments
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
    """An argument with the value that it has in this build, empty where it has none."""

    name: str
    description: str
    value: str
    lines: Lines


@frozen
class Need:
    """A secret or an ssh agent by its name."""

    name: str
    is_required: bool
    lines: Lines


@frozen
class Outline:
    """A target, and what it can be given, by the lines that say so."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    secrets: tuple[Need, ...]
    ssh: tuple[Need, ...]


def outline(parsed: Parsed, options: ConvertOptions, trail: Trail) -> Outline:
    """Return the outline of the target of a file that was converted."""
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
    uses = _uses_of(graph, arguments, expander)
    for step in trail.steps:
        _take_step(step, uses[step.stage], graph, expander)
    begin = graph.target.begin
    name = graph.target.name or ""
    found = [uses[stage] for stage in _in_depth(graph.target)]
    return Outline(
        name=name,
        description="" if begin is None else describe(begin.origin.comments, name),
        arguments=_arguments(found),
        secrets=_needs([each.secrets for each in found]),
        ssh=_needs([each.ssh for each in found]),
    )


@define
class _Uses:
    """What a stage uses: names of arguments, and the declarations that they stand for."""

    declared: dict[str, Declared] = field(factory=dict)
    used: set[str] = field(factory=set)
    secrets: dict[str, Need] = field(factory=dict)
    ssh: dict[str, Need] = field(factory=dict)


def _uses_of(graph: StageGraph, arguments: Globals, expander: Expander) -> dict[Stage, _Uses]:
    """Return what FROM uses, for all stages; a stage begins with what its base's FROM uses."""
    found: defaultdict[Stage, _Uses] = defaultdict(_Uses)
    for stage in graph.stages:
        if stage.begin is None:
            continue
        below = set() if stage.base is None else found[stage.base].used
        variables = Lookups(arguments.values)
        expander.word(stage.begin.base, variables)
        expander.word(stage.begin.platform or "", variables)
        found[stage] = _Uses(dict(arguments.declared), below | set(variables.found))
    return found


def _take_step(step: Step, uses: _Uses, graph: StageGraph, expander: Expander) -> None:
    match step.instruction:
        case Arg():
            for each in _declarations(step, step.instruction, graph, expander):
                # What is inherited stays where the file declares it first.
                if each is not None:
                    uses.declared[each.name] = each
            uses.used.update(name for name, _ in step.instruction.args)
        case Run() if step.instruction.mounts:
            _take_mounts(step, step.instruction, uses, expander)


def _declarations(
    step: Step, instruction: Arg, graph: StageGraph, expander: Expander
) -> Iterator[Declared | None]:
    env = step.env
    for name, default in instruction.args:
        inherited = default is None and name not in graph.build_args
        value = graph.build_args.get(name)
        if inherited:
            value = graph.arguments.get(name)
        elif value is None and default is not None:
            value = expander.word(default, env)
        yield None if inherited and value is not None else Declared(name, value, instruction.origin)
        if value is not None:
            env[name] = value


def _take_mounts(step: Step, instruction: Run, uses: _Uses, expander: Expander) -> None:
    env = step.env
    for flag in instruction.mounts:
        mount = parse_mount(flag, lambda text: expander.word(text, env))
        if mount.kind == "secret":
            needs, name = uses.secrets, mount.secret_id
        elif mount.kind == "ssh":
            needs, name = uses.ssh, mount.id or "default"
        else:
            continue
        needs.setdefault(name, Need(name, mount.required, instruction.origin.lines))


def _in_depth(target: Stage) -> Iterator[Stage]:
    """Return a stage and those that it needs, what it is built upon before what it copies from."""
    seen: set[Stage] = set()
    pending = [target]
    while pending:
        stage = pending.pop()
        if stage not in seen:
            seen.add(stage)
            yield stage
            pending.extend(reversed(tuple(stage.below())))


def _arguments(found: list[_Uses]) -> tuple[Argument, ...]:
    arguments: dict[str, Argument] = {}
    for uses in found:
        for name in _with_needs(uses):
            declared = uses.declared.get(name)
            if declared is not None and name not in arguments:
                origin = declared.origin
                description = describe(origin.comments, name)
                arguments[name] = Argument(name, description, declared.value or "", origin.lines)
    return tuple(sorted(arguments.values(), key=lambda each: each.lines[0]))


def _with_needs(uses: _Uses) -> list[str]:
    """Return the arguments that are used, and those that their values are made of."""
    seen: set[str] = set()
    pending = sorted(uses.used)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            declared = uses.declared.get(name)
            pending.extend(() if declared is None else declared.needs)
    # Those of one line stand in the order in which the file declares them.
    return [name for name in uses.declared if name in seen]


def _needs(found: list[dict[str, Need]]) -> tuple[Need, ...]:
    needs: dict[str, Need] = {}
    for each in found:
        for name, need in each.items():
            needs.setdefault(name, need)
    return tuple(sorted(needs.values(), key=lambda each: each.lines[0]))
