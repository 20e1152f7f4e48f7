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

from attrs import field, frozen

from llb._logs import logger
from llb._pb import auth_pb2 as pb
from llb.client.key_values import TRUE
from llb.client.registries.tokens import Token, TokenRequest, fetch
from llb.client.registry_auth import auth_tls
from llb.client.registry_auth.docker_config import DockerConfig, Login, config_folder
from llb.client.registry_auth.pem import client_context
from llb.client.session.providers.auth_keys import read_or_create_seed, seed_of, signing_key
from llb.client.session.providers.auth_steps import AuthSteps
from llb.client.session.providers.requests import receive
from llb.errors import InputError, LLBError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from ssl import SSLContext

    from google.protobuf.message import Message
    from nacl.signing import SigningKey

    from llb._pb import control_pb2
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

    The configuration is read on demand, for hosts without credentials of the build. If it is broken
    and the token server takes no credentials, the build goes on with a warning. Otherwise its errors
    go to the daemon, which knows whether the build needs the registry. Errors of the caller's
    functions are recorded as failures. ``tls`` is for token servers, and ``show`` is called with the
    progress of steps. Raises InputError for unusable certificates.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        tls: Iterable[AuthTLS] = (),
        credentials: BuildCredentials | None = None,
        show: Callable[[control_pb2.StatusResponse], None] | None = None,
    ) -> None:
        self.failures: list[LLBError] = []
        self._contexts: dict[str, SSLContext] = {}
        for options in tls:
            context = self._contexts.get(options.host) or client_context()
            self._contexts[options.host] = auth_tls.apply(options, context)
        self._environ = environ
        self._own = credentials
        self._steps = AuthSteps(show)
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
        host = receive(call, pb.CredentialsRequest).Host
        cached = self._login_of(host)
        if cached.problem is not None:
            raise cached.problem
        login = cached.login
        if login.secret:
            self._steps.share(host)
        _respond(call, pb.CredentialsResponse(Username=login.username, Secret=login.secret))

    def _fetch_token(self, call: ServerCall) -> None:
        message = receive(call, pb.FetchTokenRequest)
        request = TokenRequest(message.Host, message.Realm, message.Service, tuple(message.Scopes))
        token = self._fetch(request, self._login_of(message.Host))
        _respond(
            call,
            pb.FetchTokenResponse(
                Token=token.value, ExpiresIn=token.expires_in, IssuedAt=token.issued_at
            ),
        )

    def _fetch(self, request: TokenRequest, cached: _CachedLogin) -> Token:
        """Fetch a token, without credentials if their configuration is broken."""
        if cached.login.secret or cached.login.registry_token:
            self._steps.fetch(request)
        try:
            token = fetch(request, cached.login, self._contexts.get(request.host))
        except InputError as error:
            if cached.problem is None:
                raise
            raise cached.problem from error
        if cached.problem is not None:
            self._steps.warn(f"no credentials for {request.host}: {cached.problem.message}")
        return token

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
                cached = self._cached[host] = self._look_up(host)
            return cached

    def _look_up(self, host: str) -> _CachedLogin:
        login = self._own_login(host)
        if login is not None:
            return _CachedLogin(login, is_own=True)
        try:
            return _CachedLogin(DockerConfig.load(self._environ).credentials(host))
        except InputError as error:
            return _CachedLogin(Login(), problem=error)

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
    """Credentials, whether they are the build's own, and the time of the look-up.

    ``problem`` is why Docker's configuration has none.
    """

    login: Login
    is_own: bool = False
    problem: InputError | None = None
    since: float = field(factory=monotonic)


def _respond(call: ServerCall, message: Message) -> None:
    call.send(message.SerializeToString())
