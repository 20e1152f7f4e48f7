"""What every service of a session has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import LLBError
    from llb.grpc import Handler


class Service(Protocol):
    """A gRPC service that a session offers to the daemon.

    ``failures`` are what it could not do; they say more than what the daemon
    makes of them.
    """

    failures: list[LLBError]

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers of its methods, by ``/package.Service/Method``."""
