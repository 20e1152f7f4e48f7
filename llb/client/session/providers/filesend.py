"""``FileSend``: receive the results that a daemon exports to the client, as a tree or a stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.export.receivers import Receivers
    from llb.grpc import Handler, ServerCall

_UNKNOWN = 2
_EXPORTER_ID = "buildkit-attachable-exporter-id"
_NUMBER = re.compile("[0-9]{1,9}")


class FileSend:
    """A service that passes results to the receivers of a build."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self.failures = receivers.failures

    def handlers(self) -> Mapping[str, Handler]:
        """Map DiffCopy to its handler."""
        return {"/moby.filesync.v1.FileSend/DiffCopy": self._diff_copy}

    def _diff_copy(self, call: ServerCall) -> None:
        (number, *_) = call.metadata.get(_EXPORTER_ID, ("0",))
        if not _NUMBER.fullmatch(number):
            raise RemoteError(f"unknown exporter {number}", code=_UNKNOWN)
        self._receivers.receive(int(number), call)
