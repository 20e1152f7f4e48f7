"""When a silent peer is asked for a sign of life, and when it counts as gone.

Nothing else ends a call to a process that was stopped, or over a network that drops packets. The
question is a PING of HTTP/2, which every peer answers. A server of grpc-go closes a connection with
repeated questions that are less than five minutes apart (``EnforcementPolicy.MinTime``).
"""

from __future__ import annotations

from math import inf

from attrs import define

from llb.errors import TransportError

# The pause between two questions, in seconds.
_PAUSE_SECONDS = 360.0
# The longest time to wait for an answer, in seconds.
_ANSWER_SECONDS = 20.0


@define
class Keepalive:
    """The state of one connection; times are on the monotonic clock.

    ``silence`` is how many seconds of a call may pass without a byte before the peer is asked.
    """

    silence: float
    heard: float
    _asked: float | None = None
    _last_asked: float = -inf

    def hear(self, now: float) -> None:
        """Note that bytes have arrived, or that a call begins on an idle connection."""
        self.heard = now
        self._asked = None

    @property
    def due(self) -> float:
        """The time of the next step."""
        if self._asked is not None:
            return self._asked + min(_ANSWER_SECONDS, self.silence)
        return max(self.heard + self.silence, self._last_asked + _PAUSE_SECONDS)

    def step(self, now: float) -> bool:
        """Check whether to ask the peer now. Raises TransportError if it has not answered."""
        if now < self.due:
            return False
        if self._asked is not None:
            raise TransportError(f"it has not answered for {now - self.heard:.0f} seconds")
        self._asked = self._last_asked = now
        return True
