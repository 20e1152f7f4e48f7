"""The checks of a Dockerfile: a pass of its own over what a conversion leaves behind.

:mod:`~frontend.dockerfile.rules` has the table of the checks. They run here in the
order of Docker's frontend, as far as the conversion came, so that the warnings of a file that
cannot be built are those that Docker shows before its error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontend.dockerfile import errors
from frontend.dockerfile.expand import Expander
from frontend.dockerfile.lint.bases import check_begins, check_defaults, check_images
from frontend.dockerfile.lint.report import LintWarning, Report
from frontend.dockerfile.lint.settings import Settings, parse_settings
from frontend.dockerfile.lint.steps import check_steps
from frontend.dockerfile.lint.text import check_casing, check_lines, check_names, check_nodes
from frontend.dockerfile.rules import RULES, Rule
from frontend.dockerfile.syntax import find_directive

if TYPE_CHECKING:
    from frontend.dockerfile.language import Language
    from frontend.dockerfile.options import ConvertOptions
    from frontend.dockerfile.parser import Parsed
    from frontend.dockerfile.trail import Trail

__all__ = [
    "RULES",
    "LintWarning",
    "Report",
    "Rule",
    "Settings",
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
        check_added(parsed.language, trail, report)
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
