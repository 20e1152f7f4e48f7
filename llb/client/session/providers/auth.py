"""``moby.filesync.v1.Auth``: registries are opened with the credentials of Docker's configuration.

For a registry that wants tokens the daemon asks for our public key first; it then has the tokens
fetched here, and is told no password. Registries that want the password itself, and daemons
that know no keys, are told the credentials.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from llb._pb import auth_pb2 as pb
from llb.client.key_values import TRUE
from llb.client.registry_auth.docker_config import Credentials, DockerConfig, config_folder
from llb.client.session.providers.auth_keys import seed_of, signing_key
from llb.client.session.providers.auth_tokens import TokenRequest, fetch
from llb.errors import LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message
    from nacl.signing import SigningKey

    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.grpc import Handler, ServerCall

_UNAVAILABLE = 14
_SERVICE = "/moby.filesync.v1.Auth/"
_NO_TOKENS = "BUILDKIT_NO_CLIENT_TOKEN"
# There are helpers whose credentials are good for five minutes.
_KEPT_SECONDS = 290.0

M_ = TypeVar("M_", bound="Message")


class Auth:
    """A service that answers from Docker's configuration, which is read when it is needed.

    What goes wrong is told to the daemon, and is no failure of ours: it knows what was wanted,
    and may do without. ``tls`` is for token servers. Raises InputError for certificates that
    are none.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, *, tls: Iterable[AuthTLS] = ()
    ) -> None:
        self.failures: list[LLBError] = []
        self._contexts = {each.host: each.context() for each in tls}
        self._environ = environ
        # A helper is asked by one thread, and once for all of them.
        self._asking = threading.Lock()
        self._known: dict[str, tuple[float, Credentials]] = {}
        self._seeds: dict[str, bytes] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers of its four methods."""
        return {
            f"{_SERVICE}Credentials": self._credentials,
            f"{_SERVICE}FetchToken": self._fetch_token,
            f"{_SERVICE}GetTokenAuthority": self._get_authority,
            f"{_SERVICE}VerifyTokenAuthority": self._verify_authority,
        }

    def _credentials(self, call: ServerCall) -> None:
        found = self._of(_received(call, pb.CredentialsRequest).Host)
        _answer(call, pb.CredentialsResponse(Username=found.username, Secret=found.secret))

    def _fetch_token(self, call: ServerCall) -> None:
        asked = _received(call, pb.FetchTokenRequest)
        request = TokenRequest(asked.Host, asked.Realm, asked.Service, tuple(asked.Scopes))
        token = fetch(request, self._of(asked.Host), self._contexts.get(asked.Host))
        _answer(
            call,
            pb.FetchTokenResponse(
                Token=token.value, ExpiresIn=token.expires_in, IssuedAt=token.issued_at
            ),
        )

    def _get_authority(self, call: ServerCall) -> None:
        asked = _received(call, pb.GetTokenAuthorityRequest)
        key = self._key(asked.Host, asked.Salt)
        _answer(call, pb.GetTokenAuthorityResponse(PublicKey=bytes(key.verify_key)))

    def _verify_authority(self, call: ServerCall) -> None:
        asked = _received(call, pb.VerifyTokenAuthorityRequest)
        signed = self._key(asked.Host, asked.Salt).sign(asked.Payload)
        _answer(call, pb.VerifyTokenAuthorityResponse(Signed=bytes(signed)))

    def _key(self, host: str, salt: bytes) -> SigningKey:
        if self._environ.get(_NO_TOKENS) in TRUE:
            raise RemoteError("client side tokens disabled", code=_UNAVAILABLE)
        credentials = self._of(host)
        if not (credentials.secret or credentials.registry_token):
            return signing_key(b"", salt)
        with self._asking:
            if host not in self._seeds:
                self._seeds[host] = seed_of(config_folder(self._environ), host)
            return signing_key(self._seeds[host], salt)

    def _of(self, host: str) -> Credentials:
        """Return what a registry is to be told."""
        with self._asking:
            since, found = self._known.get(host, (0.0, None))
            if found is None or monotonic() - since > _KEPT_SECONDS:
                found = DockerConfig.load(self._environ).credentials(host)
                self._known[host] = monotonic(), found
            return found


def _received(call: ServerCall, kind: type[M_]) -> M_:
    return kind.FromString(call.receive() or b"")


def _answer(call: ServerCall, message: Message) -> None:
    call.send(message.SerializeToString())
