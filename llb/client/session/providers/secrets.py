"""``moby.buildkit.secrets.v1.Secrets``: send secrets when the steps that use them run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import secrets_pb2 as pb
from llb.client.session.providers.requests import receive
from llb.client.session.secrets import check, read, without_stream
from llb.errors import InputError, LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.session.secrets import Secret
    from llb.grpc import Handler, ServerCall

_UNKNOWN, _NOT_FOUND = 2, 5


class Secrets:
    """A service that sends secrets by their ids. Raises InputError for an unreadable secret."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        self.failures: list[LLBError] = []
        self._secrets = {name: without_stream(secret) for name, secret in secrets.items()}
        for name, secret in self._secrets.items():
            check(name, secret)

    def handlers(self) -> Mapping[str, Handler]:
        """Map GetSecret to its handler."""
        return {"/moby.buildkit.secrets.v1.Secrets/GetSecret": self._get}

    def _get(self, call: ServerCall) -> None:
        name = receive(call, pb.GetSecretRequest).ID
        if name not in self._secrets:
            # The daemon decides whether this fails the build: a secret may be optional.
            raise RemoteError(f"secret {name}: not found", code=_NOT_FOUND)
        try:
            value = read(name, self._secrets[name])
        except InputError as error:
            self.failures.append(error)
            raise RemoteError(error.message, code=_UNKNOWN) from error
        call.send(pb.GetSecretResponse(data=value).SerializeToString())
