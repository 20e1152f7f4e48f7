"""The source file of a build, and locations in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.arguments.checked import checked
from llb.errors import InputError, Span
from llb.source_map import Location, Range

if TYPE_CHECKING:
    from llb.source_map import SourceFile
    from llb.state.step_options import StepOptions


@frozen
class Source:
    """A source file, whose lines errors and steps can point at."""

    file: SourceFile

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.filename

    @property
    def text(self) -> str:
        """The content of the file. Raises InputError if it is not UTF-8."""
        return decode_utf8(self.file.data, self.name)

    @checked
    def at(self, line: int, end_line: int | None = None) -> StepOptions:
        """Build step options that point at lines of the file, counted from 1.

        Clients show these lines when the step fails: ``state.run("make", **source.at(3))``.
        """
        return {"locations": [Location(self.file, (Range(line, end_line or line),))]}

    @checked
    def error(
        self, message: str, *, line: int, word: str | None = None, hint: str | None = None
    ) -> InputError:
        """Build an error about a line of the file, for you to raise; it marks ``word`` in that line."""
        text = self.file.data.decode("utf-8", errors="replace")
        lines = text.splitlines()
        index = lines[line - 1].find(word) if word and 0 < line <= len(lines) else -1
        span = Span(
            self.name,
            text,
            line,
            column=None if index < 0 else index + 1,
            width=1 if index < 0 else len(word or ""),
            definition=self.file.definition,
        )
        return InputError(message, span=span, hint=hint)


def decode_utf8(data: bytes, name: str) -> str:
    """Decode the bytes of a file. Raises InputError if they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from error
