"""The services of a session, and which of them a daemon may call where a build brings nothing."""

from __future__ import annotations

import threading
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.session.providers.service import Service
    from llb.errors import LLBError
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
"""By module and class, the methods that may be called whatever a build brings."""


def service(name: str, **given: Any) -> Service:
    """Return a service by its module and class, made of what it is given.

    One that is given something is made now, so that what is wrong with that is told before
    the build. One without is imported by the first call, if that comes: all of them take
    13 ms, and a cached build is asked for its health alone.
    """
    if any(given.values()):
        made: Service = resolve_name(_PROVIDERS + name)(**given)
        return made
    return _Later(name, given)


class _Later:
    """A service that is made when its first call comes."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self.failures: list[LLBError] = []
        self._name = name
        self._given = given
        self._lock = threading.Lock()
        self._handlers: Mapping[str, Handler] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers of its methods."""
        return dict.fromkeys(METHODS[self._name], self._handle)

    def _handle(self, call: ServerCall) -> None:
        with self._lock:
            if not self._handlers:
                made: Service = resolve_name(_PROVIDERS + self._name)(**self._given)
                self.failures = made.failures
                self._handlers = made.handlers()
        self._handlers[call.method](call)
