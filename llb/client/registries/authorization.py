"""Authorization of requests: challenges of registries, and the tokens that answer them.

A registry answers 401 with a challenge: ``Bearer`` names a token server, ``Basic`` asks for the
password itself (the Distribution project's "token authentication").
"""

from __future__ import annotations

import base64
import re
import threading
from time import monotonic
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.client.registries import tokens
from llb.grpc import forks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from ssl import SSLContext

    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.client.registry_auth.docker_config import Login

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
# A token is not used in its last seconds, in which a request may take longer than it lasts.
_MARGIN_SECONDS = 10.0


@frozen
class Challenge:
    """A challenge of a registry: ``bearer`` or ``basic``, with its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(factory=dict)


def parse_challenge(header: str) -> Challenge:
    """Parse a ``WWW-Authenticate`` header.

    >>> parse_challenge('Bearer realm="https://auth.example/token",service="registry"').parameters
    {'realm': 'https://auth.example/token', 'service': 'registry'}
    """
    scheme, _, rest = header.strip().partition(" ")
    parameters = {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[3] is None else match[3]
        for match in _PARAMETER.finditer(rest)
    }
    return Challenge(scheme.lower(), parameters)


def merge_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Merge the actions of scopes for the same resource: registries list them in any order.

    >>> merge_scopes(["repository:app:pull", "aws", "repository:app:push,pull"])
    ('repository:app:pull,push', 'aws')
    """
    merged: dict[str, dict[str, None]] = {}
    for scope in scopes:
        # A scope of a registry's own may have another form.
        resource, colon, actions = scope.rpartition(":")
        merged.setdefault(resource + colon, {}).update(dict.fromkeys(actions.split(",")))
    return tuple(f"{resource}{','.join(actions)}" for resource, actions in merged.items())


class Authorizer:
    """The ``Authorization`` headers of requests, by registry and scopes; threads may share it.

    ``contexts`` has the certificates for the token servers of registries, by their hosts.
    """

    def __init__(self, credentials: BuildCredentials, contexts: Mapping[str, SSLContext]) -> None:
        self._credentials = credentials
        self._contexts = contexts
        self._lock = threading.Lock()
        self._logins: dict[str, Login] = {}
        self._headers: dict[tuple[str, tuple[str, ...]], _Header] = {}
        forks.register(self)

    def header(self, host: str, scopes: tuple[str, ...]) -> str | None:
        """Return the header for requests with these scopes, None if no challenge was answered."""
        with self._lock:
            login = self._logins.get(host)
            header = self._headers.get((host, scopes))
        if login is not None and login.registry_token:
            return f"Bearer {login.registry_token}"
        return None if header is None or header.ends < monotonic() else header.value

    def answer(self, host: str, challenges: Iterable[str], scopes: tuple[str, ...]) -> str | None:
        """Answer the challenges of a registry with a header, None if that is impossible.

        Raises InputError if there is no token, or a credential helper fails.
        """
        for challenge in map(parse_challenge, challenges):
            login = self.login(host)
            header = None
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                header = self._fetch(host, challenge, login, scopes)
            elif challenge.scheme == "basic" and login.username:
                pair = f"{login.username}:{login.secret}".encode()
                header = _Header(f"Basic {base64.b64encode(pair).decode()}")
            if header is not None:
                with self._lock:
                    self._headers[host, scopes] = header
                return header.value
        return None

    def login(self, host: str) -> Login:
        """Look up the credentials of a registry once. Raises InputError and InvalidValueError."""
        with self._lock:
            if host not in self._logins:
                self._logins[host] = self._credentials.find(host)
            return self._logins[host]

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._lock = threading.Lock()

    def _fetch(
        self, host: str, challenge: Challenge, login: Login, scopes: tuple[str, ...]
    ) -> _Header:
        parameters = challenge.parameters
        wanted = merge_scopes((*scopes, *parameters.get("scope", "").split()))
        request = tokens.TokenRequest(
            host, parameters["realm"], parameters.get("service", ""), wanted
        )
        token = tokens.fetch(request, login, self._contexts.get(host))
        return _Header(f"Bearer {token.value}", monotonic() + token.expires_in - _MARGIN_SECONDS)


@frozen
class _Header:
    """The value of a header, and the time of the monotonic clock when it ends."""

    value: str = field(repr=False)
    ends: float = float("inf")
