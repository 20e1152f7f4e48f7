"""Specific errors for the end of a call or connection, which some callers handle themselves."""

from __future__ import annotations

from llb.errors import CancelledError, TransportError


class DeadlineError(CancelledError):
    """The deadline of a call has passed."""


class UnseenError(TransportError):
    """The peer left before it saw the call, so the call can be retried elsewhere."""


class ClosedError(TransportError):
    """The peer closed the connection between two frames."""
