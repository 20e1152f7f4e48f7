"""Steps that show which credentials a build uses, with the names that they have in buildctl."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llb._lazy import lazy_imports
from llb._pb import control_pb2

with lazy_imports(__name__):
    from llb.client.registries import http  # 35 ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client.registries.tokens import TokenRequest


class AuthSteps:
    """Shows each use of credentials once; ``show`` is called with the progress."""

    def __init__(self, show: Callable[[control_pb2.StatusResponse], None] | None) -> None:
        self._show = show
        self._shown: set[str] = set()
        self._lock = threading.Lock()

    def share(self, host: str) -> None:
        """Show that the daemon receives the password or token of a registry."""
        self._step(f"[auth] sharing credentials for {host}")

    def fetch(self, request: TokenRequest) -> None:
        """Show that a token server receives them, and the daemon a token."""
        scopes = [scope.removeprefix("repository:") for scope in request.scopes]
        self._step(" ".join(["[auth]", *scopes, "token for", request.host]))
        url = urlsplit(request.realm)
        if url.scheme == "http" and not http.is_loopback(url.hostname or ""):
            server = url.netloc.rpartition("@")[2]
            self.warn(f"the credentials of {request.host} are sent unencrypted to {server}")

    def warn(self, message: str) -> None:
        """Show a warning."""
        warning = control_pb2.VertexWarning(level=1, short=message.encode(errors="replace"))
        self._report(message, control_pb2.StatusResponse(warnings=[warning]))

    def _step(self, name: str) -> None:
        digest = f"sha256:{hashlib.sha256(name.encode(errors='replace')).hexdigest()}"
        vertex = control_pb2.Vertex(digest=digest, name=name)
        vertex.started.FromNanoseconds(time.time_ns())
        vertex.completed.CopyFrom(vertex.started)
        self._report(name, control_pb2.StatusResponse(vertexes=[vertex]))

    def _report(self, key: str, response: control_pb2.StatusResponse) -> None:
        with self._lock:
            is_new = key not in self._shown
            self._shown.add(key)
        if is_new and self._show is not None:
            self._show(response)
