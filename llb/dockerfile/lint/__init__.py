"""The checks of a Dockerfile: a pass of its own over what a conversion leaves behind.

:mod:`~llb.dockerfile.check_rules` has the table of the checks. They run here in the
order of Docker's frontend, as far as the conversion came, so that the warnings of a file that
cannot be built are those that Docker shows before its error.

Private to :mod:`llb.dockerfile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import RULES, Rule
from llb.dockerfile.check_settings import parse_settings
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.language import language_of
from llb.dockerfile.lint.bases import check_begins, check_defaults, check_images
from llb.dockerfile.lint.report import Report
from llb.dockerfile.lint.steps import check_steps
from llb.dockerfile.lint.text import check_casing, check_lines, check_names, check_nodes
from llb.dockerfile.parser.directives import find_directive
from llb.dockerfile.shell.expand import Expander

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import LintWarning
    from llb.dockerfile.check_settings import Settings
    from llb.dockerfile.language import Language
    from llb.dockerfile.options import ConvertOptions
    from llb.dockerfile.parser.parser import Parsed
    from llb.dockerfile.trace import Trail

__all__ = [
    "RULES",
    "Report",
    "Rule",
    "check",
    "refuse",
    "settings_of",
]


def settings_of(parsed: Parsed, options: ConvertOptions) -> Settings:
    """Return which checks a file, or the build, asks for. Raises DockerfileError."""
    directive = find_directive(parsed.source.text, "check")
    return parse_settings(directive or "", options.build_args)


def check(
    parsed: Parsed, options: ConvertOptions, trail: Trail, settings: Settings
) -> tuple[LintWarning, ...]:
    """Return the warnings of a file that was converted, or that failed to be."""
    report = Report(settings)
    check_lines(parsed, report)
    if not check_nodes(parsed, report, failed=trail.instructions is None):
        return tuple(report.warnings)
    check_names(parsed, report)
    check_casing(parsed, report)
    if trail.instructions is not None:
        expander = Expander(escape=parsed.escape)
        check_defaults(trail.instructions, parsed.escape, options, report)
        check_begins(trail.instructions, parsed.escape, options, report)
        check_images(trail, options, expander, report)
        check_steps(trail, options, expander, report)
        check_added(language_of(parsed.grammar), trail, report)
    return tuple(report.warnings)


def check_added(language: Language, trail: Trail, report: Report) -> None:
    """Run the checks that a language adds."""
    for check in language.checks:
        rule = check.rule
        for each in check.find(trail):
            report.add(rule, each.origin.lines, each.origin.comments, **each.words)


def refuse(warnings: tuple[LintWarning, ...], settings: Settings) -> None:
    """Raise DockerfileError where there are warnings and they fail the build."""
    if warnings and settings.fails:
        raise errors.violations(dict.fromkeys(each.rule.name for each in warnings))
