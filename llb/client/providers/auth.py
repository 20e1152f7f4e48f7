"""``moby.filesync.v1.Auth``: credentials for the registries that the daemon talks to.

The daemon fetches tokens with them itself, as it does for a client that offers no more.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from llb._pb import auth_pb2 as pb
from llb.client.docker_config import DockerConfig
from llb.errors import InputError, LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.tunnel import Handler, ServerCall

_UNKNOWN = 2


class Auth:
    """A service that answers from Docker's configuration, which is read when it is needed."""

    def __init__(self) -> None:
        self.failures: list[LLBError] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handler of Credentials."""
        return {"/moby.filesync.v1.Auth/Credentials": self._credentials}

    @cached_property
    def _config(self) -> DockerConfig:
        return DockerConfig.load()

    def _credentials(self, call: ServerCall) -> None:
        host = pb.CredentialsRequest.FromString(call.receive() or b"").Host
        try:
            found = self._config.credentials(host)
        except InputError as error:
            self.failures.append(error)
            raise RemoteError(str(error), code=_UNKNOWN) from error
        answer = pb.CredentialsResponse(Username=found.username, Secret=found.secret)
        call.send(answer.SerializeToString())
