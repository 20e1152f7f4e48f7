"""``moby.filesync.v1.Auth``: registry credentials and tokens from Docker's configuration.

For a registry with token authentication, the daemon first requests the client's public key; then
the client fetches the tokens, and the daemon never sees a password. Registries that need the
password itself, and daemons without token authorities, receive the credentials.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from llb._pb import auth_pb2 as pb
from llb.client.key_values import TRUE
from llb.client.registry_auth.docker_config import Credentials, DockerConfig, config_folder
from llb.client.session.providers.auth_keys import read_or_create_seed, signing_key
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
# Some helpers return credentials that expire after five minutes.
_CACHE_SECONDS = 290.0

M_ = TypeVar("M_", bound="Message")


class Auth:
    """A service that answers from Docker's configuration, which is read on demand.

    Errors go to the daemon and are not recorded as failures, because only the daemon knows
    whether the build can continue without credentials. ``tls`` is for token servers. Raises
    InputError for unusable certificates.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, *, tls: Iterable[AuthTLS] = ()
    ) -> None:
        self.failures: list[LLBError] = []
        self._contexts = {options.host: options.context() for options in tls}
        self._environ = environ
        # Only one thread runs a credential helper, and all threads use its answer.
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[float, Credentials]] = {}
        self._seeds: dict[str, bytes] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """Map the four methods to their handlers."""
        return {
            f"{_SERVICE}Credentials": self._credentials,
            f"{_SERVICE}FetchToken": self._fetch_token,
            f"{_SERVICE}GetTokenAuthority": self._get_authority,
            f"{_SERVICE}VerifyTokenAuthority": self._verify_authority,
        }

    def _credentials(self, call: ServerCall) -> None:
        credentials = self._credentials_of(_parse_request(call, pb.CredentialsRequest).Host)
        _respond(
            call, pb.CredentialsResponse(Username=credentials.username, Secret=credentials.secret)
        )

    def _fetch_token(self, call: ServerCall) -> None:
        message = _parse_request(call, pb.FetchTokenRequest)
        request = TokenRequest(message.Host, message.Realm, message.Service, tuple(message.Scopes))
        token = fetch(request, self._credentials_of(message.Host), self._contexts.get(message.Host))
        _respond(
            call,
            pb.FetchTokenResponse(
                Token=token.value, ExpiresIn=token.expires_in, IssuedAt=token.issued_at
            ),
        )

    def _get_authority(self, call: ServerCall) -> None:
        request = _parse_request(call, pb.GetTokenAuthorityRequest)
        key = self._key(request.Host, request.Salt)
        _respond(call, pb.GetTokenAuthorityResponse(PublicKey=bytes(key.verify_key)))

    def _verify_authority(self, call: ServerCall) -> None:
        request = _parse_request(call, pb.VerifyTokenAuthorityRequest)
        signed = self._key(request.Host, request.Salt).sign(request.Payload)
        _respond(call, pb.VerifyTokenAuthorityResponse(Signed=bytes(signed)))

    def _key(self, host: str, salt: bytes) -> SigningKey:
        if self._environ.get(_NO_TOKENS) in TRUE:
            raise RemoteError("client side tokens disabled", code=_UNAVAILABLE)
        credentials = self._credentials_of(host)
        if not (credentials.secret or credentials.registry_token):
            return signing_key(b"", salt)
        with self._lock:
            if host not in self._seeds:
                self._seeds[host] = read_or_create_seed(config_folder(self._environ), host)
            return signing_key(self._seeds[host], salt)

    def _credentials_of(self, host: str) -> Credentials:
        """Look up the credentials of a registry, from a cache while they are recent."""
        with self._lock:
            since, credentials = self._cached.get(host, (0.0, None))
            if credentials is None or monotonic() - since > _CACHE_SECONDS:
                credentials = DockerConfig.load(self._environ).credentials(host)
                self._cached[host] = monotonic(), credentials
            return credentials


def _parse_request(call: ServerCall, kind: type[M_]) -> M_:
    return kind.FromString(call.receive() or b"")


def _respond(call: ServerCall, message: Message) -> None:
    call.send(message.SerializeToString())
