"""``FileSend``: results that the daemon writes to the client, as a tree or as one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.errors import InputError, LLBError, RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.export.receivers import Receiver
    from llb.grpc import Handler, ServerCall

_UNKNOWN = 2
_EXPORTER_ID = "buildkit-attachable-exporter-id"


class FileSend:
    """Receivers by the number of their exporter in the request."""

    def __init__(self, receivers: Mapping[int, Receiver]) -> None:
        self._receivers = receivers
        self.failures: list[LLBError] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handler of DiffCopy."""
        return {"/moby.filesync.v1.FileSend/DiffCopy": self._diff_copy}

    def _diff_copy(self, call: ServerCall) -> None:
        (number, *_) = call.metadata.get(_EXPORTER_ID, ("0",))
        receiver = self._receivers.get(int(number)) if number.isdigit() else None
        if receiver is None:
            raise RemoteError(f"there is no exporter {number} to send to", code=_UNKNOWN)
        try:
            receiver.receive(call)
        except (InputError, TransportError) as failure:
            self.failures.append(failure)
            raise RemoteError(str(failure), code=_UNKNOWN) from failure
