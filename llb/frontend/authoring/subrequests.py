"""What clients ask besides builds of what is written as functions: targets, outline, checks, LLB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.buildfile.needs import secrets_of, ssh_of
from llb.buildfile.target import folded
from llb.dockerfile.outline import Argument, Need, Outline
from llb.dockerfile.stages.targets import Target as Listed
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.buildfile import Target
    from llb.buildfile.needs import Need as Wanted
    from llb.buildfile.parameters import Parameter
    from llb.dockerfile.check_rules import LintWarning
    from llb.frontend.authoring.subject import Subject
    from llb.gateway import Result

_NOWHERE = (0, 0)


def answer(name: str, subject: Subject) -> Result:
    """Return the answer to a request. Raises LLBError, for a name that is not known too."""
    found = _ANSWERS.get(name)
    if found is None:
        raise unsupported_request(name)
    return found(subject)


def _describe(subject: Subject) -> Result:  # noqa: ARG001
    return describe_result()


def _targets(subject: Subject) -> Result:
    default = _default(subject)
    return targets_result(
        [
            Listed(each.name, each.description, "", "", each.name == default, _lines(each, subject))
            for each in subject.targets
        ],
        subject.source.data,
    )


def _default(subject: Subject) -> str | None:
    """Return the name of the default target; targets are listed without one too."""
    try:
        return subject.default.name
    except InvalidValueError:
        return None


def _outline(subject: Subject) -> Result:
    """Return what the target can be given, and the targets that it calls if it can be run."""
    target = subject.target
    missing = any(
        each.is_required and each.name not in subject.opened.options.build_args
        for each in target.parameters
    )
    made = None if missing else subject.maker.make(target, subject.opened.options.build_platform)
    targets = (target,) if made is None else made.targets
    trees = () if made is None else [part.tree for part in made.parts]
    arguments = {each.name: (each, of) for of in targets for each in of.parameters}
    found = Outline(
        target.name,
        target.description,
        tuple(_argument(each, of, subject) for each, of in arguments.values()),
        secrets=tuple(_need(each, subject) for each in secrets_of(trees)),
        ssh=tuple(_need(each, subject) for each in ssh_of(trees)),
    )
    return outline_result(found, subject.source.data)


def _argument(parameter: Parameter, target: Target, subject: Subject) -> Argument:
    value = subject.opened.options.build_args.get(parameter.name, parameter.default_text)
    allowed = f"one of {', '.join(parameter.allowed)}" if parameter.allowed else ""
    description = ": ".join(filter(None, (parameter.description, allowed)))
    return Argument(parameter.name, description, value, _lines(target, subject))


def _need(need: Wanted, subject: Subject) -> Need:
    """Return what a step needs, with the line of the build file that led to the step."""
    own = (line for name, line in need.call_site if name == subject.source.filename)
    line = next(own, 0)
    return Need(need.name, need.is_required, (line, line))


def _lines(target: Target, subject: Subject) -> tuple[int, int]:
    """Return the lines of a target that is in the build file itself."""
    if target.filename != subject.source.filename:
        return _NOWHERE
    return target.lines[0], target.lines[-1]


def _lint(subject: Subject) -> Result:
    warnings: tuple[LintWarning, ...] = ()
    failed: LLBError | None = None
    try:
        warnings = tuple(checks.check(subject))
    except TransportError:
        raise
    except LLBError as error:
        failed = error
    return lint_result(warnings, failed, subject.source)


def _convert(subject: Subject) -> Result:
    platform = subject.opened.options.build_platform
    made = subject.maker.make(subject.target, platform)
    if len(made.parts) != 1:
        raise InvalidValueError(
            f"the target {subject.target.name} makes several trees, and one is converted",
            hint=f"ask for another target than {folded(subject.target.name)}",
        )
    return convert_result(subject.maker.marshal(made.parts[0].tree, platform, made))


_ANSWERS: Mapping[str, Callable[[Subject], Result]] = {
    DESCRIBE: _describe,
    OUTLINE: _outline,
    TARGETS: _targets,
    LINT: _lint,
    CONVERT: _convert,
}
