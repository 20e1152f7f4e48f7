"""Raw JSON progress for programs: the daemon's messages, one JSON object per line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

from llb.client.progress.raw_reports import to_line

if TYPE_CHECKING:
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report


class RawJsonDisplay:
    """A display that writes the lines of ``buildctl --progress rawjson``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        """Start the display; nothing is written yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the display; everything has been written."""

    def __call__(self, event: Event) -> None:
        """Ignore an event, because the reports contain it."""

    def on_report(self, report: Report) -> None:
        """Write one of the daemon's messages."""
        self._stream.write(to_line(report) + "\n")
        self._stream.flush()
