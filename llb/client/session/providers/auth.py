"""``moby.filesync.v1.Auth``: registry credentials and tokens of a build or of Docker.

For a registry with token authentication, the daemon first requests the client's public key; then
the client fetches the tokens, and the daemon never sees a password. Registries that need the
password itself, and daemons without token authorities, receive the credentials.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

from attrs import frozen

from llb._logs import logger
from llb._pb import auth_pb2 as pb
from llb.client.key_values import TRUE
from llb.client.registry_auth.docker_config import DockerConfig, Login, config_folder
from llb.client.session.providers.auth_keys import read_or_create_seed, seed_of, signing_key
from llb.client.session.providers.auth_tokens import TokenRequest, fetch
from llb.client.session.providers.requests import receive
from llb.errors import LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message
    from nacl.signing import SigningKey

    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.grpc import Handler, ServerCall

_log = logger(__name__)

_UNAVAILABLE = 14
_SERVICE = "/moby.filesync.v1.Auth/"
_NO_TOKENS = "BUILDKIT_NO_CLIENT_TOKEN"
# Some helpers return credentials that expire after five minutes.
_CACHE_SECONDS = 290.0


class Auth:
    """A service that answers from the credentials of the build, and from Docker's configuration.

    The configuration is read on demand, for hosts without credentials of the build. Its errors go
    to the daemon and are not recorded as failures, because only the daemon knows whether the build
    can continue without credentials. Errors of the caller's functions are recorded. ``tls`` is for
    token servers. Raises InputError for unusable certificates.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        tls: Iterable[AuthTLS] = (),
        credentials: BuildCredentials | None = None,
    ) -> None:
        self.failures: list[LLBError] = []
        self._contexts = {options.host: options.context() for options in tls}
        self._environ = environ
        self._own = credentials
        # Only one thread runs a helper or a function, and all threads use its answer.
        self._lock = threading.Lock()
        self._cached: dict[str, _CachedLogin] = {}
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
        login = self._login_of(receive(call, pb.CredentialsRequest).Host).login
        _respond(call, pb.CredentialsResponse(Username=login.username, Secret=login.secret))

    def _fetch_token(self, call: ServerCall) -> None:
        message = receive(call, pb.FetchTokenRequest)
        request = TokenRequest(message.Host, message.Realm, message.Service, tuple(message.Scopes))
        login = self._login_of(message.Host).login
        token = fetch(request, login, self._contexts.get(message.Host))
        _respond(
            call,
            pb.FetchTokenResponse(
                Token=token.value, ExpiresIn=token.expires_in, IssuedAt=token.issued_at
            ),
        )

    def _get_authority(self, call: ServerCall) -> None:
        request = receive(call, pb.GetTokenAuthorityRequest)
        key = self._key(request.Host, request.Salt)
        _respond(call, pb.GetTokenAuthorityResponse(PublicKey=bytes(key.verify_key)))

    def _verify_authority(self, call: ServerCall) -> None:
        request = receive(call, pb.VerifyTokenAuthorityRequest)
        signed = self._key(request.Host, request.Salt).sign(request.Payload)
        _respond(call, pb.VerifyTokenAuthorityResponse(Signed=bytes(signed)))

    def _key(self, host: str, salt: bytes) -> SigningKey:
        if self._environ.get(_NO_TOKENS) in TRUE:
            raise RemoteError("client side tokens disabled", code=_UNAVAILABLE)
        cached = self._login_of(host)
        if not (cached.login.secret or cached.login.registry_token):
            return signing_key(b"", salt)
        if cached.is_own:
            return signing_key(seed_of(host, cached.login), salt)
        with self._lock:
            if host not in self._seeds:
                self._seeds[host] = read_or_create_seed(config_folder(self._environ), host)
            return signing_key(self._seeds[host], salt)

    def _login_of(self, host: str) -> _CachedLogin:
        """Look up the credentials of a registry, from a cache while they are recent."""
        with self._lock:
            cached = self._cached.get(host)
            if cached is None or monotonic() - cached.since > _CACHE_SECONDS:
                login = self._own_login(host)
                is_own = login is not None
                login = login or DockerConfig.load(self._environ).credentials(host)
                cached = self._cached[host] = _CachedLogin(login, is_own, monotonic())
            return cached

    def _own_login(self, host: str) -> Login | None:
        """Look up the credentials that the build has for a registry."""
        try:
            login = self._own.login(host) if self._own is not None else None
        except LLBError as error:
            self.failures.append(error)
            raise
        if login is not None:
            _log.debug("credentials of %s: the build", host)
        return login


@frozen
class _CachedLogin:
    """Credentials, whether they are the build's own, and the time of the look-up."""

    login: Login
    is_own: bool
    since: float


def _respond(call: ServerCall, message: Message) -> None:
    call.send(message.SerializeToString())
