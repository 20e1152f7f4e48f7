"""Checks of FROM: its arguments, its platform, and the resolved image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import Reference
from llb.dockerfile import check_rules
from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.errors.suggest import suggestion
from llb.dockerfile.instructions.nodes import From
from llb.dockerfile.shell.expand import Expander, ExpansionError
from llb.dockerfile.sources.image import without_version
from llb.dockerfile.stages.global_args import Lookups, global_arguments
from llb.errors import InvalidValueError
from llb.gocompat.fmt import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Platform
    from llb.dockerfile.instructions.nodes import Instruction
    from llb.dockerfile.lint.report import Report
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.stages.global_args import Globals
    from llb.dockerfile.stages.graph import StageGraph
    from llb.dockerfile.stages.stage import Stage
    from llb.dockerfile.trace import Trail

_TARGET = "TARGETPLATFORM"


def check_defaults(
    instructions: tuple[Instruction, ...], escape: str, options: ConvertOptions, report: Report
) -> None:
    """Check that image names are valid with the default values of arguments."""
    expander = Expander(escape=escape)
    try:
        arguments = global_arguments(
            instructions, _automatic_arguments(instructions, options), {}, expander
        ).values
        for begin in _froms(instructions):
            if not _is_reference(expander.word(begin.base, arguments)):
                report.add(
                    check_rules.INVALID_DEFAULT_ARG_IN_FROM, begin.origin.lines, image=begin.base
                )
    except (DockerfileError, ExpansionError):
        # The conversion reports invalid arguments.
        return


def check_froms(
    instructions: tuple[Instruction, ...], escape: str, options: ConvertOptions, report: Report
) -> None:
    """Check the arguments and the platform of every FROM, up to an invalid one."""
    expander = Expander(escape=escape)
    try:
        arguments = global_arguments(
            instructions, _automatic_arguments(instructions, options), options.build_args, expander
        )
        for begin in _froms(instructions):
            if not (
                _check_base(begin, arguments, expander, report)
                and _check_platform(begin, arguments, expander, options, report)
            ):
                return
    except (DockerfileError, ExpansionError):
        return


def check_images(trail: Trail, options: ConvertOptions, expander: Expander, report: Report) -> None:
    """Check that the resolved images match the target platform."""
    graph = trail.graph
    if graph is None:
        return
    for stage in graph.stages:
        if stage not in graph.reachable or stage.image is None or stage.image not in trail.images:
            continue
        image = trail.images[stage.image].image
        assert image is not None
        actual = without_version(image.platform)
        expected = stage.platform or options.detect_platform(actual)
        if image.is_empty or _is_same(actual, expected):
            continue
        report.add(
            check_rules.INVALID_BASE_IMAGE_PLATFORM,
            None if stage.mounted else stage.origin.lines,
            image=_image_name(stage, graph, expander),
            expected=str(expected.normalize()),
            actual=str(actual.normalize()),
        )


def _automatic_arguments(
    instructions: tuple[Instruction, ...], options: ConvertOptions
) -> dict[str, str]:
    names = [begin.name for begin in _froms(instructions)]
    return options.automatic_arguments(options.target or (names[-1] if names else None) or "")


def _froms(instructions: Iterable[Instruction]) -> tuple[From, ...]:
    return tuple(instruction for instruction in instructions if isinstance(instruction, From))


def _is_reference(name: str) -> bool:
    try:
        Reference.parse(name)
    except InvalidValueError:
        return False
    return True


def _check_base(begin: From, arguments: Globals, expander: Expander, report: Report) -> bool:
    """Check the arguments in the image name; return whether the name is not empty."""
    variables = Lookups(arguments.values)
    try:
        return bool(expander.word(begin.base, variables))
    finally:
        _check_names(begin, variables, arguments, report)


def _check_platform(
    begin: From, arguments: Globals, expander: Expander, options: ConvertOptions, report: Report
) -> bool:
    """Check the platform of a FROM; return whether it is valid or absent."""
    if not begin.platform:
        return True
    position = begin.origin.lines, begin.origin.comments
    variables = Lookups(arguments.values)
    try:
        value = expander.word(begin.platform, variables)
    finally:
        _check_names(begin, variables, arguments, report)
    is_target = list(variables.found) == [_TARGET] and not variables.missing
    if is_target and value == arguments.values[_TARGET]:
        report.add(check_rules.REDUNDANT_TARGET_PLATFORM, *position, platform=begin.platform)
    try:
        platform = options.parse_platform(value)
    except InvalidValueError:
        return False
    if not variables.found and not variables.missing:
        name = begin.name or ""
        if platform.os not in name and platform.architecture not in name:
            report.add(
                check_rules.FROM_PLATFORM_FLAG_CONST_DISALLOWED, *position, quoted=quote(value)
            )
    return bool(value)


def _check_names(begin: From, variables: Lookups, arguments: Globals, report: Report) -> None:
    if not variables.missing:
        return
    names = arguments.names
    position = begin.origin.lines, begin.origin.comments
    for name in variables.missing:
        if name not in names:
            near = suggestion(name, names)
            report.add(check_rules.UNDEFINED_ARG_IN_FROM, *position, variable=name, suggestion=near)


def _is_same(actual: Platform, expected: Platform) -> bool:
    return (actual.os, actual.architecture) == (expected.os, expected.architecture)


def _image_name(stage: Stage, graph: StageGraph, expander: Expander) -> str:
    """Expand the name of an image as it is written in the file."""
    if stage.begin is not None:
        return expander.word(stage.begin.base, graph.arguments)
    return next(
        instruction.stages[index]
        for user in graph.stages
        for (instruction, index), needed in user.needs.items()
        if needed is stage
    )
