"""What the checks found, while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dockerfile.check_rules import LintWarning
from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from llb.dockerfile.check_rules import Rule
    from llb.dockerfile.check_settings import Settings


class Report:
    """The warnings so far, in the order of Docker's frontend, for the checks that are asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warnings: list[LintWarning] = []

    def add(
        self,
        rule: Rule,
        lines: tuple[int, int] | None,
        comments: tuple[str, ...] = (),
        /,
        **found: str,
    ) -> None:
        """Report what ``rule`` found in ``lines``, if the comments above allow it."""
        settings = self.settings.with_comments(comments) if comments else self.settings
        if settings.allow(rule):
            message = shown(rule.message.format(**found))
            self.warnings.append(LintWarning(rule, message, lines))
