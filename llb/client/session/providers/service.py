"""The interface of a session's services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.grpc import Handler


class Service(Protocol):
    """A gRPC service that a session offers to the daemon."""

    @property
    def failures(self) -> Sequence[Exception]:
        """The errors of the service, which are more precise than the daemon's reports of them."""

    def handlers(self) -> Mapping[str, Handler]:
        """Map the service's methods, as ``/package.Service/Method``, to their handlers."""
