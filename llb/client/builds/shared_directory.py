"""A local directory that several builds use at the same time, sent to the daemon once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from llb.client.connect.session_pipe import InterceptedError
from llb.client.session.local_inputs import shared_key
from llb.client.session.services import service
from llb.client.session.session import Session
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llb.client.connect.control import Control

_ATTRIBUTE = "local-sessionid:"
_SECONDS = 5.0


class SharedDirectory:
    """A session with one local directory, which frontends use instead of those of their builds.

    Use it in a ``with`` block, which ends after the builds. ``on_error`` gets unexpected exceptions.
    The constructor raises InputError for an unusable directory.
    """

    def __init__(
        self, control: Control, name: str, path: Path, on_error: Callable[[Exception], None]
    ) -> None:
        directories = {name: path}
        self._on_error = on_error
        self._control = control.scope()
        self._session = Session(
            [service("filesync:LocalDirs", directories=directories)],
            shared_key=shared_key(directories),
        )
        self.attrs: Mapping[str, str] = {f"{_ATTRIBUTE}{name}": self._session.id}
        """The attributes with which frontends use it."""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def failures(self) -> tuple[Exception, ...]:
        """Why files could not be sent."""
        return self._session.failures

    def __enter__(self) -> Self:
        """Open the session. Raises TransportError."""
        self._session.open(self._control.open_session, self._on_error)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the session."""
        self._session.close()
        self._thread.join(_SECONDS)
        self._control.close()

    def _serve(self) -> None:
        try:
            self._session.serve()
        except InterceptedError as error:
            self._on_error(error.cause)
        except TransportError:
            # The builds notice that the connection is lost.
            return
