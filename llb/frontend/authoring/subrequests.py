"""Subrequests (outline, targets, lint, convertllb) for function targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.buildfile.needs import secrets_of, ssh_of
from llb.buildfile.target import folded
from llb.dockerfile.outline import Argument, Need, Outline
from llb.dockerfile.stages.targets import Target as ListedTarget
from llb.errors import InvalidValueError, LLBError, TransportError
from llb.frontend.authoring import checks
from llb.frontend.subrequests.lint import lint_result
from llb.frontend.subrequests.listings import (
    CONVERT,
    DESCRIBE,
    LINT,
    OUTLINE,
    TARGETS,
    convert_result,
    describe_result,
    outline_result,
    targets_result,
)
from llb.gateway import unsupported_request
from llb.source_map import display_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.buildfile import Target
    from llb.buildfile.needs import Need as StepNeed
    from llb.buildfile.parameters import Parameter
    from llb.dockerfile.check_rules import LintWarning
    from llb.frontend.authoring.subject import Subject
    from llb.gateway import Result

_NOWHERE = (0, 0)


def answer(name: str, subject: Subject) -> Result:
    """Answer a subrequest. Raises LLBError, also for an unknown name."""
    handler = _HANDLERS.get(name)
    if handler is None:
        raise unsupported_request(name)
    return handler(subject)


def _describe(subject: Subject) -> Result:  # noqa: ARG001
    return describe_result()


def _targets(subject: Subject) -> Result:
    default = _default(subject)
    return targets_result(
        [
            ListedTarget(
                target.name,
                target.description,
                "",
                "",
                target.name == default,
                _lines(target, subject),
            )
            for target in subject.targets
        ],
        subject.source.data,
    )


def _default(subject: Subject) -> str | None:
    """Get the name of the default target; None if there is no default."""
    try:
        return subject.default.name
    except InvalidValueError:
        return None


def _outline(subject: Subject) -> Result:
    """Describe the inputs of the target, and of the targets that it calls if it can be run."""
    target, options = subject.target, subject.request.options
    missing = any(
        parameter.is_required and parameter.name not in options.build_args
        for parameter in target.parameters
    )
    result = None if missing else subject.runner.run(target, options.build_platform)
    targets = (target,) if result is None else result.targets
    trees = () if result is None else [part.tree for part in result.parts]
    arguments = {
        parameter.name: (parameter, owner) for owner in targets for parameter in owner.parameters
    }
    outline = Outline(
        target.name,
        target.description,
        tuple(_argument(parameter, owner, subject) for parameter, owner in arguments.values()),
        secrets=tuple(_need(need, subject) for need in secrets_of(trees)),
        ssh=tuple(_need(need, subject) for need in ssh_of(trees)),
    )
    return outline_result(outline, subject.source.data)


def _argument(parameter: Parameter, target: Target, subject: Subject) -> Argument:
    value = subject.request.options.build_args.get(parameter.name, parameter.default_text)
    allowed = f"one of {', '.join(parameter.allowed)}" if parameter.allowed else ""
    description = ": ".join(filter(None, (parameter.description, allowed)))
    return Argument(parameter.name, description, value, _lines(target, subject))


def _need(need: StepNeed, subject: Subject) -> Need:
    """Add the line of the build file that created the step with this need."""
    own_lines = (
        line for path, line in need.call_site if display_name(path) == subject.source.filename
    )
    line = next(own_lines, 0)
    return Need(need.name, need.is_required, (line, line))


def _lines(target: Target, subject: Subject) -> tuple[int, int]:
    """Get the lines of a target that the build file itself contains."""
    if target.filename != subject.source.filename:
        return _NOWHERE
    return target.lines[0], target.lines[-1]


def _lint(subject: Subject) -> Result:
    warnings: tuple[LintWarning, ...] = ()
    build_error: LLBError | None = None
    try:
        warnings = tuple(checks.check(subject))
    except TransportError:
        raise
    except LLBError as error:
        build_error = error
    return lint_result(warnings, build_error, subject.source)


def _convert(subject: Subject) -> Result:
    platform = subject.request.options.build_platform
    result = subject.runner.run(subject.target, platform)
    if len(result.parts) != 1:
        raise InvalidValueError(
            f"the target {subject.target.name} returns several states: only one can be converted",
            hint=f"choose another target than {folded(subject.target.name)}",
        )
    return convert_result(subject.runner.marshal(result.parts[0].tree, platform, result))


_HANDLERS: Mapping[str, Callable[[Subject], Result]] = {
    DESCRIBE: _describe,
    OUTLINE: _outline,
    TARGETS: _targets,
    LINT: _lint,
    CONVERT: _convert,
}
