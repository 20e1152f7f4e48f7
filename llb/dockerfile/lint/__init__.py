"""Lint a Dockerfile: run the checks on the trace of its conversion.

:mod:`~llb.dockerfile.check_rules` has the table of rules. The checks run in the order of
Docker's frontend, and as far as the conversion got. A file that fails therefore has the same
warnings as in Docker.

Private to :mod:`llb.dockerfile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import RULES, Rule
from llb.dockerfile.check_settings import parse_settings
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.language import language_of
from llb.dockerfile.lint.bases import check_defaults, check_froms, check_images
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
    """Read the check settings of a file and its build. Raises DockerfileError."""
    directive = find_directive(parsed.source.text, "check")
    return parse_settings(directive or "", options.build_args)


def check(
    parsed: Parsed, options: ConvertOptions, trail: Trail, settings: Settings
) -> tuple[LintWarning, ...]:
    """Run the checks on a conversion, whether it succeeded or failed, and return the warnings."""
    report = Report(settings)
    check_lines(parsed, report)
    if not check_nodes(parsed, report, failed=trail.instructions is None):
        return tuple(report.warnings)
    check_names(parsed, report)
    check_casing(parsed, report)
    if trail.instructions is not None:
        expander = Expander(escape=parsed.escape)
        check_defaults(trail.instructions, parsed.escape, options, report)
        check_froms(trail.instructions, parsed.escape, options, report)
        check_images(trail, options, expander, report)
        check_steps(trail, options, expander, report)
        check_added(language_of(parsed.grammar), trail, report)
    return tuple(report.warnings)


def check_added(language: Language, trail: Trail, report: Report) -> None:
    """Run the checks that a language adds."""
    for check in language.checks:
        rule = check.rule
        for finding in check.find(trail):
            report.add(rule, finding.origin.lines, finding.origin.comments, **finding.words)


def refuse(warnings: tuple[LintWarning, ...], settings: Settings) -> None:
    """Raise DockerfileError if there are warnings and the settings make them errors."""
    if warnings and settings.fails:
        raise errors.violations(dict.fromkeys(warning.rule.name for warning in warnings))
