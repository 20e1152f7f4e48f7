"""Places in a bake file, and errors that show them."""

from __future__ import annotations

from attrs import field, frozen

from llb.arguments.checked import checked_raw_init
from llb.errors import BakeFileError, Span


@checked_raw_init
@frozen
class BakeFile:
    """A bake file: its name, as messages show it, and its text."""

    name: str
    text: str = field(repr=False)


@frozen
class Place:
    """The part of a file from one offset to another."""

    source: BakeFile = field(repr=False)
    start: int
    end: int

    def to(self, other: Place) -> Place:
        """Extend the place to the end of another one."""
        return Place(self.source, self.start, max(self.end, other.end))

    @property
    def text(self) -> str:
        """The text at this place."""
        return self.source.text[self.start : self.end]

    @property
    def span(self) -> Span:
        """The lines and the column of the place."""
        before = self.source.text[: self.start]
        line = before.count("\n") + 1
        column = self.start - (before.rfind("\n") + 1) + 1
        first_line = self.text.split("\n", 1)[0]
        end_line = line + self.text.rstrip("\n").count("\n")
        return Span(
            self.source.name,
            self.source.text,
            line,
            end_line if end_line > line else None,
            column,
            max(1, len(first_line)),
        )

    def __str__(self) -> str:
        """Format as ``file:line:column``."""
        return str(self.span)

    def error(self, message: str, hint: str | None = None) -> BakeFileError:
        """Create an error about this place."""
        return BakeFileError(message, span=self.span, hint=hint)
