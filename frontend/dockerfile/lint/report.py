"""What the checks found, while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.gocompat.utf8 import shown

if TYPE_CHECKING:
    from frontend.dockerfile.lint.settings import Settings
    from frontend.dockerfile.rules import Rule


@frozen
class LintWarning:
    """What a check says of a place: ``lines`` are the first and the last, None for no place."""

    rule: Rule
    message: str
    lines: tuple[int, int] | None

    @property
    def short(self) -> str:
        """The line that progress displays show."""
        place = "" if self.lines is None else f" (line {self.lines[0]})"
        return f"{self.rule.name}: {self.message}{place}"

    @property
    def each_line(self) -> range:
        """The lines one by one, which is how places are told to clients."""
        return range(0) if self.lines is None else range(self.lines[0], self.lines[1] + 1)


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
