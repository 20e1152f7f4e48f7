"""The interface of a session's services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.errors import LLBError
    from llb.grpc import Handler


class Service(Protocol):
    """A gRPC service that a session offers to the daemon.

    ``failures`` lists its errors, which are more precise than the daemon's reports of them.
    """

    failures: list[LLBError]

    def handlers(self) -> Mapping[str, Handler]:
        """Map the service's methods, as ``/package.Service/Method``, to their handlers."""
