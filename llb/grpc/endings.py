"""Ends of calls and connections that who called goes on from in its own way."""

from __future__ import annotations

from llb.errors import CancelledError, TransportError


class DeadlineError(CancelledError):
    """The time that a call was given is over."""


class UnseenError(TransportError):
    """The peer left without having seen the call, which may be made again elsewhere."""


class ClosedError(TransportError):
    """The peer closed the connection between two frames."""
