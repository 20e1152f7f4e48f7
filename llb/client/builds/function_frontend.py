"""A Python function as the frontend of a build, in the process of the client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from llb.gateway import Gateway, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.connect.control import Control
    from llb.definition.definition import Definition
    from llb.gateway import Request, Result
    from llb.grpc.interfaces import OutgoingCalls

# The metadata key by which a gateway call names its build (client/buildid).
_BUILD_ID = "buildkit-controlapi-buildid"


class FunctionFrontend:
    """A function that acts as the frontend of one build, over a connection of its own.

    ``shrink`` moves file contents out of definitions that are too large for a message.
    """

    def __init__(
        self,
        control: Control,
        function: Callable[[Request, Gateway], Result],
        request: Request,
        shrink: Callable[[Definition], Definition],
    ) -> None:
        self._control = control
        self._function = function
        self._request = request
        self._shrink = shrink
        self._lock = threading.Lock()
        self._channel: OutgoingCalls | None = None
        self._is_cancelled = False

    def run(self, ref: str) -> None:
        """Answer the build ``ref``; raises the exception of the function, after the daemon got it.

        Raises CancelledError after :meth:`cancel`.
        """
        channel = self._control.channel()
        with self._lock:
            self._channel = channel
            is_cancelled = self._is_cancelled
        if is_cancelled:
            channel.cancel()
        try:
            gateway = Gateway(channel, metadata=((_BUILD_ID, ref),), shrink=self._shrink)
            error = answer(self._function, self._request, gateway)
            if error is not None:
                raise error
        finally:
            channel.close()

    def cancel(self) -> None:
        """Make all gateway calls of the function raise CancelledError; does not wait."""
        with self._lock:
            self._is_cancelled = True
            channel = self._channel
        if channel is not None:
            channel.cancel()
