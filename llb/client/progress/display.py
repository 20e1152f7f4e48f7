"""Choose the progress display of a build: plain, live (tty), rawjson or quiet."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, Self

from llb._lazy import lazy_imports
from llb.client.progress import actions
from llb.client.progress.plain import PlainDisplay
from llb.errors import InvalidValueError, did_you_mean

with lazy_imports(__name__):
    from llb.client.progress import (
        rawjson,  # 1 ms
        tty,  # 29 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report

KINDS = ("auto", "plain", "tty", "rawjson", "quiet", "none")
_CANNOT_REDRAW = ("", "dumb", "unknown")


class Display(Protocol):
    """A display of progress events, used as a context manager around the build.

    A display of the daemon's raw messages has ``on_report`` in addition.
    """

    @property
    def on_report(self) -> Callable[[Report], None] | None:
        """The callback for the daemon's raw messages, if the display shows them."""

    def __enter__(self) -> Self:
        """Start the display."""

    def __exit__(self, *exception: object) -> None:
        """Show the final state and restore the terminal."""

    def __call__(self, event: Event) -> None:
        """Show an event."""


class QuietDisplay:
    """A display that shows nothing."""

    on_report = None

    def __enter__(self) -> Self:
        """Start the display, which stays empty."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the display."""

    def __call__(self, event: Event) -> None:
        """Ignore an event."""


def display(kind: str, stream: TextIO | None = None) -> Display:
    """Create a progress display of a kind on a stream, by default standard error.

    ``auto`` is the kind in BUILDKIT_PROGRESS if set, otherwise ``tty`` on a terminal that can
    redraw lines, and ``plain`` elsewhere. Raises InvalidValueError.
    """
    out = sys.stderr if stream is None else stream
    if kind == "auto":
        kind = os.environ.get("BUILDKIT_PROGRESS") or kind
    if kind not in KINDS:
        raise InvalidValueError(
            f"unknown progress display {kind!r}: expected {', '.join(KINDS)}",
            hint=did_you_mean(kind, KINDS),
        )
    if kind in ("quiet", "none"):
        return QuietDisplay()
    if kind == "rawjson":
        return rawjson.RawJsonDisplay(out)
    can_redraw = out.isatty() and os.environ.get("TERM", "") not in _CANNOT_REDRAW
    if kind == "tty" or (kind == "auto" and can_redraw):
        return tty.TtyDisplay(out)
    return PlainDisplay(out, folds=actions.runs_here())
