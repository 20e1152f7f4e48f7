"""The checks of targets that are functions: what builds, and will be regretted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import LintWarning, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb import Location
    from llb.buildfile import Target
    from llb.frontend.authoring.subject import Subject

NOT_REPRODUCIBLE = Rule(
    "NotReproducible",
    "",
    "A target should make the same steps whenever it is called",
    "Target '{target}' makes other steps when it is called again",
)
SECRET_IN_BUILD_ARG = Rule(
    "SecretsUsedInBuildArgs",
    "",
    "Build args are kept in the image's history and in caches; secrets should be mounted",
    "The build arg '{argument}' of target '{target}' sounds like a secret; mount it instead",
)
OWN = Rule("BuildFileWarning", "", "The build file warns", "{message}")

_SECRET = re.compile(
    r"(^|_)(apikey|auth|credentials?|key|passwd|password|pword|secret|token)(_|$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(^|_)public(_|$)", re.IGNORECASE)


def check(subject: Subject) -> Iterator[LintWarning]:
    """Yield what the checks say. Raises what the file raises, and LLBError."""
    for target in subject.targets:
        yield from _check_arguments(target, subject)
    platform = subject.opened.options.build_platform
    first, second = (
        subject.maker.make(subject.target, platform),
        subject.maker.make(subject.target, platform),
    )
    digests = [
        [subject.maker.marshal(part.tree, platform, made).head for part in made.parts]
        for made in (first, second)
    ]
    if digests[0] != digests[1]:
        yield _warning(NOT_REPRODUCIBLE, subject.target, subject, target=subject.target.name)
    for message, location in first.warnings:
        yield LintWarning(OWN, message, _lines(location, subject))


def _check_arguments(target: Target, subject: Subject) -> Iterator[LintWarning]:
    for each in target.parameters:
        if _SECRET.search(each.name) and not _PUBLIC.search(each.name):
            yield _warning(
                SECRET_IN_BUILD_ARG, target, subject, argument=each.name, target=target.name
            )


def _warning(rule: Rule, of: Target, subject: Subject, /, **found: str) -> LintWarning:
    is_here = of.filename == subject.source.filename
    lines = (of.line, of.line) if is_here else None
    return LintWarning(rule, rule.message.format(**found), lines)


def _lines(location: Location | None, subject: Subject) -> tuple[int, int] | None:
    if location is None or location.file.filename != subject.source.filename:
        return None
    return location.ranges[0].line, location.ranges[0].end_line
