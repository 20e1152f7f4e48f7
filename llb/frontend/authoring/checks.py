"""Lint for function targets: code that builds but is probably a mistake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import INVALID_BASE_IMAGE_PLATFORM, LintWarning, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb import Location
    from llb.buildfile import Target
    from llb.frontend.authoring.subject import Subject

NOT_REPRODUCIBLE = Rule(
    "NotReproducible",
    "",
    "A target should produce the same steps every time it is called",
    "Target '{target}' produces different steps when it is called again",
)
SECRET_IN_BUILD_ARG = Rule(
    "SecretsUsedInBuildArgs",
    "",
    "Build args are kept in the image's history and in caches; secrets should be mounted",
    "The build arg '{argument}' of target '{target}' sounds like a secret; mount it instead",
)
OWN = Rule("BuildFileWarning", "", "A warning of the build file itself", "{message}")

_SECRET = re.compile(
    r"(^|_)(apikey|auth|credentials?|key|passwd|password|pword|secret|token)(_|$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(^|_)public(_|$)", re.IGNORECASE)


def check(subject: Subject) -> Iterator[LintWarning]:
    """Run the checks, and yield their warnings. Raises the exceptions of the file, and LLBError."""
    for target in subject.targets:
        yield from _check_arguments(target, subject)
    requested = subject.request.client_options.platforms
    platform, *others = requested or (subject.request.options.build_platform,)
    first, second = (
        subject.runner.run(subject.target, platform),
        subject.runner.run(subject.target, platform),
    )
    digests = [
        [subject.runner.marshal(part.tree, platform, result).head for part in result.parts]
        for result in (first, second)
    ]
    if digests[0] != digests[1]:
        yield _warning(NOT_REPRODUCIBLE, subject.target, subject, target=subject.target.name)
    warnings = list(first.warnings)
    if not first.is_by_platform:
        for other in others:
            warnings += subject.runner.run(subject.target, other).warnings
    for message, location in dict.fromkeys(warnings):
        yield _own_warning(message, _lines(location, subject))


def _own_warning(message: str, lines: tuple[int, int] | None) -> LintWarning:
    """Build a warning of the build itself, under the name of its rule if it has one."""
    prefix = f"{INVALID_BASE_IMAGE_PLATFORM.name}: "
    if message.startswith(prefix):
        return LintWarning(INVALID_BASE_IMAGE_PLATFORM, message.removeprefix(prefix), lines)
    return LintWarning(OWN, message, lines)


def _check_arguments(target: Target, subject: Subject) -> Iterator[LintWarning]:
    for parameter in target.parameters:
        if _SECRET.search(parameter.name) and not _PUBLIC.search(parameter.name):
            yield _warning(
                SECRET_IN_BUILD_ARG, target, subject, argument=parameter.name, target=target.name
            )


def _warning(rule: Rule, owner: Target, subject: Subject, /, **fields: str) -> LintWarning:
    is_here = owner.filename == subject.source.filename
    lines = (owner.line, owner.line) if is_here else None
    return LintWarning(rule, rule.message.format(**fields), lines)


def _lines(location: Location | None, subject: Subject) -> tuple[int, int] | None:
    if location is None or location.file.filename != subject.source.filename:
        return None
    return location.ranges[0].line, location.ranges[0].end_line
