"""``grpc.health.v1.Health``: answer health checks, without which a daemon drops the session.

The response is encoded by hand: protobuf refuses to load two definitions of a message, and programs
may use that of grpcio-health-checking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.protobuf import integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import LLBError
    from llb.grpc import Handler, ServerCall

# HealthCheckResponse(status=SERVING).
_SERVING = integer(1)(1)


class Health:
    """A service that reports as serving while its process answers.

    ``checks`` counts the questions of the daemon, which has one every five seconds.
    """

    def __init__(self) -> None:
        self.failures: list[LLBError] = []
        self.checks = 0

    def handlers(self) -> Mapping[str, Handler]:
        """Map Check and Watch to their handlers."""
        return {
            "/grpc.health.v1.Health/Check": self._check,
            "/grpc.health.v1.Health/Watch": _watch,
        }

    def _check(self, call: ServerCall) -> None:
        call.receive()
        self.checks += 1
        call.send(_SERVING)


def _watch(call: ServerCall) -> None:
    call.receive()
    call.send(_SERVING)
    call.flush()
    # The status never changes, so only the end of the call is left to wait for.
    call.receive()
