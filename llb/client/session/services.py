"""Create the services of a session, importing those without options only when called."""

from __future__ import annotations

import threading
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.client.session.providers.service import Service
    from llb.grpc import Handler, ServerCall

_PROVIDERS = "llb.client.session.providers."
_AUTH = "/moby.filesync.v1.Auth/"
_SSH = "/moby.sshforward.v1.SSH/"
METHODS = {
    "auth:Auth": tuple(
        _AUTH + name
        for name in ("Credentials", "FetchToken", "GetTokenAuthority", "VerifyTokenAuthority")
    ),
    "filesend:FileSend": ("/moby.filesync.v1.FileSend/DiffCopy",),
    "filesync:LocalDirs": ("/moby.filesync.v1.FileSync/DiffCopy",),
    "secrets:Secrets": ("/moby.buildkit.secrets.v1.Secrets/GetSecret",),
    "ssh:SSHAgents": (_SSH + "CheckAgent", _SSH + "ForwardAgent"),
    "upload:Uploads": ("/moby.upload.v1.Upload/Pull",),
}
"""The methods of each service, by module and class, that a daemon may call in any build."""


def service(name: str, later: Mapping[str, Any] | None = None, **options: Any) -> Service:
    """Create a service by its module and class, with its options as keyword arguments.

    With options it is created now, so errors in them are raised before the build. Without options
    it is imported on its first call, if any: importing all of them takes 13 ms, and a cached
    build only calls the health service. The options ``later`` are no reason to create it now.
    """
    if any(options.values()):
        created: Service = resolve_name(_PROVIDERS + name)(**options, **(later or {}))
        return created
    return _LazyService(name, {**options, **(later or {})})


class _LazyService:
    """A service that is created on its first call."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.failures: Sequence[Exception] = ()
        self._name = name
        self._options = options
        self._lock = threading.Lock()
        self._handlers: Mapping[str, Handler] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Map all methods to a handler that creates the service first."""
        return dict.fromkeys(METHODS[self._name], self._handle)

    def _handle(self, call: ServerCall) -> None:
        with self._lock:
            if not self._handlers:
                created: Service = resolve_name(_PROVIDERS + self._name)(**self._options)
                self.failures = created.failures
                self._handlers = created.handlers()
        self._handlers[call.method](call)
