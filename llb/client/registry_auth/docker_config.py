"""Docker's own configuration of credentials: ``config.json``, helpers and stores.

The format is that of Docker's CLI (``docker login``): ``credHelpers`` and ``credsStore``
name programs ``docker-credential-NAME``, ``auths`` holds the rest.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

T_ = TypeVar("T_")

_HUB = "https://index.docker.io/v1/"
_HUB_HOSTS = ("registry-1.docker.io", "docker.io", "index.docker.io")
_IDENTITY = "<token>"
# A daemon waits a minute for credentials.
_FILE = "config.json"
_VARIABLE = "DOCKER_AUTH_CONFIG"
_KEYS = ("username", "password", "auth", "identitytoken", "registrytoken")
_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


@frozen
class Credentials:
    """What a registry is told: a name and a secret, or a bearer token that is there already.

    Without a name the secret is an identity token, which token servers take.
    """

    username: str = ""
    secret: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


@frozen
class DockerConfig:
    """What a ``config.json`` says of credentials; absent files say nothing.

    ``given`` are credentials of the environment, which come before those of the file.
    """

    content: Mapping[str, Any] = field(repr=False)
    given: Mapping[str, Credentials] = field(factory=dict)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> DockerConfig:
        """Return the configuration of ``DOCKER_CONFIG``, or of ``~/.docker``.

        ``DOCKER_AUTH_CONFIG`` may hold credentials, as JSON with ``auths``.
        Raises InputError for a file that cannot be read, and for what is no JSON.
        """
        path = config_folder(environ) / "config.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        given = _object(environ.get(_VARIABLE, "").encode(), _VARIABLE)
        auths = _auths(given, _VARIABLE)
        return cls(
            _object(data, str(path)),
            {server: _decoded(server, entry) for server, entry in auths.items()},
        )

    def credentials(self, host: str) -> Credentials:
        """Return what a registry is to be told, nothing where it is not known.

        Raises InputError where a helper fails, and for an entry that is none.
        """
        server = _HUB if host in _HUB_HOSTS else host
        known = _entry(self.given, server)
        if known is not None:
            return known
        helpers = self.content.get("credHelpers")
        helper = helpers.get(server) if isinstance(helpers, dict) else None
        if helper := helper or self.content.get("credsStore"):
            found = _ask(str(helper), server)
            if found is not None:
                return found
        entry = _entry(_auths(self.content, _FILE), server)
        return Credentials() if entry is None else _decoded(server, entry)

    def proxies(self) -> dict[str, str]:
        """Return the proxies that steps are to use, by the names of their variables."""
        match self.content:
            case {"proxies": {"default": dict(found)}}:
                return {name: str(found[key]) for key, name in _PROXIES.items() if found.get(key)}
            case _:
                return {}


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of Docker's configuration: ``DOCKER_CONFIG``, or ``~/.docker``."""
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path.home() / ".docker"


def _object(data: bytes, place: str) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for no data."""
    try:
        found = json.loads(data) if data.strip() else {}
    except ValueError as error:
        raise InputError(f"{place} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{place} is no JSON object")
    return found


def _auths(content: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    found = content.get("auths") or {}
    if not isinstance(found, dict):
        raise InputError(f"the auths of {place} are no JSON object")
    return found


def _entry(entries: Mapping[str, T_], server: str) -> T_ | None:
    """Return the entry of a server; old ones are named by a URL rather than by the host."""
    if server in entries:
        return entries[server]
    return next((entry for known, entry in entries.items() if _host_of(known) == server), None)


def _host_of(server: str) -> str:
    return urlsplit(server).netloc if "://" in server else server.partition("/")[0]


def _decoded(server: str, entry: object) -> Credentials:
    """Return the credentials of an entry; what is wrong with it is said without its content."""
    if not isinstance(entry, dict):
        raise InputError(
            f"the credentials of {server} in docker's configuration are no JSON object"
        )
    texts = {key: entry.get(key) or "" for key in _KEYS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise InputError(f"the credentials of {server} in docker's configuration are no texts")
    token = texts["registrytoken"]
    if texts["identitytoken"]:
        return Credentials(secret=texts["identitytoken"], registry_token=token)
    if not texts["auth"]:
        return Credentials(texts["username"], texts["password"], token)
    try:
        name, colon, secret = base64.b64decode(texts["auth"], validate=True).decode().partition(":")
    except ValueError:
        name = colon = secret = ""
    if not name or not colon:
        raise InputError(
            f"the auth of {server} in docker's configuration is not the base64 of NAME:PASSWORD"
        )
    return Credentials(name, secret.strip("\0"), token)


def _ask(helper: str, server: str) -> Credentials | None:
    """Return what a credential helper knows, None where it knows nothing."""
    # What it runs programs with takes 4 ms to import, and few builds ask one.
    from llb.client.registry_auth.credential_helpers import ask  # noqa: PLC0415

    found = ask(helper, server)
    if found is None:
        return None
    name, secret = found
    return Credentials("" if name == _IDENTITY else name, secret)
