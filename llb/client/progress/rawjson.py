"""Progress for programs: what the daemon reports, one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

from llb.client.progress.raw_reports import to_line

if TYPE_CHECKING:
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report


class RawJsonDisplay:
    """Writes the lines that ``buildctl --progress rawjson`` writes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        """Begin; nothing is written yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End; everything was written."""

    def __call__(self, event: Event) -> None:
        """Do nothing: events are parts of reports."""

    def on_report(self, report: Report) -> None:
        """Write what the daemon reports."""
        self._stream.write(to_line(report) + "\n")
        self._stream.flush()
