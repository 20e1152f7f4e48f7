"""Registry credentials that a program passes to a build, by the hosts of registries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen

from llb.client.registry_auth.docker_config import DockerConfig, Login, registry_host
from llb.errors import InputError, InvalidValueError, LLBError

ALL_OTHERS = "*"
_FORM = "a (user, password) pair, an IdentityToken, a RegistryToken or None"
# What may follow the host in the server names of Docker's configuration.
_SERVER = re.compile(r"(?:https?://)?(?P<host>[^/\s@]+)(?:/|/v[12]/?)?\Z")


@frozen
class IdentityToken:
    """An OAuth2 refresh token, which a token server accepts in place of a password.

    ``docker login`` stores it as ``identitytoken``. Raises InvalidValueError if it is empty.
    """

    value: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        _check_token(self)


@frozen
class RegistryToken:
    """A bearer token that the registry itself accepts. Raises InvalidValueError if it is empty.

    Docker's configuration has it as ``registrytoken``.
    """

    value: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        _check_token(self)


Credential: TypeAlias = tuple[str, str] | IdentityToken | RegistryToken | None
"""A user name and password, or a token; None means to use the registry without credentials."""

Credentials: TypeAlias = Mapping[str, Credential | Callable[[str], Credential]]
"""The credentials of registries by their hosts, or functions that are asked for them.

A host is spelled as in Docker's configuration, such as ``localhost:5000``. ``docker.io``,
``registry-1.docker.io`` and ``https://index.docker.io/v1/`` are the same. ``*`` stands for all other
hosts, which otherwise use Docker's configuration. A function is called with the host when the daemon
needs credentials, at most once in about five minutes of a build, on a thread of the session.
"""


@frozen
class BuildCredentials:
    """The credentials of one build, by normalized hosts."""

    by_host: Mapping[str, Credential | Callable[[str], Credential]] = field(
        factory=dict, repr=lambda by_host: str(sorted(by_host))
    )

    def login(self, host: str) -> Login | None:
        """Look up the credentials of a registry; None if Docker's configuration has to be used.

        Raises InputError if a function fails, and InvalidValueError for a wrong answer.
        """
        name = registry_host(host)
        key = name if name in self.by_host else ALL_OTHERS
        if key not in self.by_host:
            return None
        value = self.by_host[key]
        if callable(value):
            value = _ask(value, name)
        return _to_login(value)

    def find(self, host: str) -> Login:
        """Look up the credentials of a registry here, or else in Docker's configuration.

        Raises the errors of :meth:`login` and of :meth:`DockerConfig.credentials`.
        """
        login = self.login(host)
        return DockerConfig.load().credentials(host) if login is None else login


def to_credentials(credentials: Credentials | None) -> BuildCredentials:
    """Check the option ``credentials`` of a build. Raises InvalidValueError.

    >>> to_credentials({"https://index.docker.io/v1/": ("me", "secret")})
    BuildCredentials(by_host=['docker.io'])
    """
    if credentials is None:
        return BuildCredentials()
    if not isinstance(credentials, Mapping):
        raise InvalidValueError(
            f"invalid credentials: expected a mapping of hosts, not {type(credentials).__name__}",
            hint='for example {"registry.example": (user, password)}',
        )
    by_host: dict[str, Credential | Callable[[str], Credential]] = {}
    for server, value in credentials.items():
        host = _parse_server(server)
        if host in by_host:
            raise InvalidValueError(f"invalid credentials: {host} is named twice")
        if not callable(value):
            _check(value, f"invalid credentials of {host}")
        by_host[host] = value
    return BuildCredentials(by_host)


def _check_token(token: IdentityToken | RegistryToken) -> None:
    """Refuse an unusable token; the error does not contain it."""
    value: object = token.value
    if not isinstance(value, str) or not value:
        raise InvalidValueError(
            f"invalid value of {type(token).__name__}: expected a str that is not empty"
        )


def _parse_server(server: object) -> str:
    """Normalize the host of a registry; errors contain no user or password of a URL."""
    if server == ALL_OTHERS:
        return ALL_OTHERS
    match = _SERVER.match(server) if isinstance(server, str) else None
    if match is None:
        shown = repr(server) if isinstance(server, str) and "@" not in server else "name"
        raise InvalidValueError(
            f"invalid credentials: {shown} is not the host of a registry",
            hint='expected a host without a repository, for example "registry.example:5000", '
            f'or "{ALL_OTHERS}" for all others',
        )
    return registry_host(match["host"])


def _ask(function: Callable[[str], Credential], host: str) -> Credential:
    try:
        value = function(host)
    except LLBError:
        raise
    # The function is the caller's. Its message may contain a secret, so only the cause has it.
    except Exception as error:
        raise InputError(
            f"the credentials function for {host} raised {type(error).__name__}"
        ) from error
    _check(value, f"invalid answer of the credentials function for {host}")
    return value


def _check(value: object, what: str) -> None:
    """Refuse a value that is no credential; the error does not contain it."""
    match value:
        case None | IdentityToken() | RegistryToken():
            return
        case (str(user), str(password)) if isinstance(value, tuple):
            if not user or not password:
                raise InvalidValueError(f"{what}: the user or the password is empty")
            if ":" in user:
                raise InvalidValueError(f"{what}: the user contains a colon")
        case str():
            raise InvalidValueError(
                f"{what}: expected {_FORM}, not a str",
                hint="wrap a token in IdentityToken or RegistryToken; an access token that stands "
                "for a password needs its user: (user, token)",
            )
        case _:
            raise InvalidValueError(f"{what}: expected {_FORM}, not {type(value).__name__}")


def _to_login(value: Credential) -> Login:
    match value:
        case None:
            return Login()
        case IdentityToken(token):
            return Login(secret=token)
        case RegistryToken(token):
            return Login(registry_token=token)
        case (user, password):
            return Login(user, password)
