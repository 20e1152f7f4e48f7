"""Collect the warnings of the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import LintWarning
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import Rule
    from llb.dockerfile.check_settings import Settings


class Report:
    """The warnings of the enabled checks so far, in the order of Docker's frontend."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warnings: list[LintWarning] = []

    def add(
        self,
        rule: Rule,
        lines: tuple[int, int] | None,
        comments: tuple[str, ...] = (),
        /,
        **values: str,
    ) -> None:
        """Add a warning of ``rule`` for ``lines``, unless the comments above skip the rule."""
        settings = self.settings.with_comments(comments) if comments else self.settings
        if settings.allow(rule):
            message = shown(rule.message.format(**values))
            self.warnings.append(LintWarning(rule, message, lines))
