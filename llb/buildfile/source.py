"""The file that says what to build, and places in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.errors import InputError, Span
from llb.source_map import Location, Range

if TYPE_CHECKING:
    from llb.source_map import SourceFile
    from llb.state.step_options import StepOptions


@frozen
class Source:
    """A file that was read, whose lines errors and steps can point at."""

    file: SourceFile

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.file.filename

    @property
    def text(self) -> str:
        """The file as text. Raises InputError for what is not UTF-8."""
        return decoded(self.file.data, self.name)

    def at(self, line: int, end_line: int | None = None) -> StepOptions:
        """Return options for a step that lines of the file say, counted from 1.

        A daemon shows these lines when the step fails: ``state.run("make", **source.at(3))``.
        """
        return {"locations": [Location(self.file, (Range(line, end_line or line),))]}

    def error(
        self, message: str, *, line: int, word: str | None = None, hint: str | None = None
    ) -> InputError:
        """Return an error about a line of the file, to be raised; ``word`` stands in that line."""
        text = self.file.data.decode("utf-8", errors="replace")
        lines = text.splitlines()
        place = lines[line - 1].find(word) if word and 0 < line <= len(lines) else -1
        span = Span(
            self.name,
            text,
            line,
            column=None if place < 0 else place + 1,
            width=1 if place < 0 else len(word or ""),
            definition=self.file.definition,
        )
        return InputError(message, span=span, hint=hint)


def decoded(data: bytes, name: str) -> str:
    """Return bytes of a file as text. Raises InputError for what is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from error
