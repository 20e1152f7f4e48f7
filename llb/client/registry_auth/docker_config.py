"""Docker's ``config.json``: registry credentials, credential helpers and stores, and proxies.

The format is that of Docker's CLI (``docker login``): ``credHelpers`` and ``credsStore``
name programs ``docker-credential-NAME``, and ``auths`` holds all other credentials.
"""

from __future__ import annotations

import base64
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from llb._lazy import lazy_imports
from llb._logs import logger
from llb.errors import ConfigurationWarning, InputError
from llb.local_files import paths

with lazy_imports(__name__):
    from llb.client.registry_auth import credential_helpers  # 6 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T_ = TypeVar("T_")

_log = logger(__name__)

_HUB = "https://index.docker.io/v1/"
_HUB_NAME = "docker.io"
_HUB_HOSTS = ("registry-1.docker.io", _HUB_NAME, "index.docker.io")
_IDENTITY = "<token>"
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
class Login:
    """Credentials for a registry: a user name and secret, or an existing bearer token.

    Without a user name, the secret is an identity token for token servers.
    """

    username: str = ""
    secret: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


@frozen
class DockerConfig:
    """The content of a ``config.json``, empty if the file is missing.

    ``from_environment`` holds credentials from the environment, which take precedence over the
    file.
    """

    content: Mapping[str, Any] = field(repr=False)
    from_environment: Mapping[str, Login] = field(factory=dict)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> DockerConfig:
        """Read the configuration in ``DOCKER_CONFIG``, or in ``~/.docker``.

        ``DOCKER_AUTH_CONFIG`` may hold credentials, as JSON with ``auths``. Like Docker, this warns
        of an unreadable file or invalid JSON (ConfigurationWarning), and goes on without it.
        """
        return cls(_without_errors(_read_file, environ), _without_errors(_read_variable, environ))

    def credentials(self, host: str) -> Login:
        """Look up the credentials of a registry; empty if it has none.

        Raises InputError if a helper fails, and for a malformed entry.
        """
        server = _HUB if host in _HUB_HOSTS else host
        credentials = _entry(self.from_environment, server)
        if credentials is not None:
            _log.debug("credentials of %s: %s", host, _VARIABLE)
            return credentials
        helper = self._helper(server)
        if helper is not None:
            _log.debug("credentials of %s: the helper %s", host, helper)
            return evolve(
                _ask_helper(helper, server), registry_token=_registry_token(self.content, server)
            )
        entry = _entry(_auths(self.content, _FILE), server)
        _log.debug("credentials of %s: %s", host, "none" if entry is None else _FILE)
        return Login() if entry is None else _decode_entry(server, entry)

    def _helper(self, server: str) -> str | None:
        """Choose the helper of a server: its own, or that of all others.

        An empty name stands for the file. Docker looks for a helper itself if the file names
        neither helpers nor credentials.
        """
        helpers, store = self.content.get("credHelpers"), self.content.get("credsStore")
        if not (helpers or store or self.content.get("auths")):
            return credential_helpers.default_store()
        helper = helpers.get(server, store) if isinstance(helpers, dict) else store
        return str(helper) if helper else None

    def proxies(self) -> dict[str, str]:
        """Read the proxies for build steps, by the names of their variables."""
        match self.content:
            case {"proxies": {"default": dict(proxies)}}:
                return {
                    name: str(proxies[key]) for key, name in _PROXIES.items() if proxies.get(key)
                }
            case _:
                return {}


def registry_host(host: str) -> str:
    """Normalize the host of a registry: lower case, and one name for Docker Hub.

    >>> registry_host("registry-1.docker.io"), registry_host("Localhost:5000")
    ('docker.io', 'localhost:5000')
    """
    host = host.lower()
    return _HUB_NAME if host in _HUB_HOSTS else host


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Locate Docker's configuration folder: ``DOCKER_CONFIG``, or ``~/.docker``.

    Raises InputError if the user has no home directory.
    """
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else paths.home() / ".docker"


def _without_errors(
    read: Callable[[Mapping[str, str]], Mapping[str, T_]], environ: Mapping[str, str]
) -> Mapping[str, T_]:
    """Read a part of the configuration; empty, with a warning, if that is impossible."""
    try:
        return read(environ)
    except InputError as error:
        warnings.warn(error.message, ConfigurationWarning, stacklevel=3)
        return {}


def _read_file(environ: Mapping[str, str]) -> Mapping[str, Any]:
    path = config_folder(environ) / "config.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return _parse_object(data, str(path))


def _read_variable(environ: Mapping[str, str]) -> Mapping[str, Login]:
    content = _parse_object(environ.get(_VARIABLE, "").encode(), _VARIABLE)
    auths = _auths(content, _VARIABLE)
    return {server: _decode_entry(server, entry) for server, entry in auths.items()}


def _parse_object(data: bytes, origin: str) -> Mapping[str, Any]:
    """Parse a JSON object; no data is an empty object."""
    try:
        parsed = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise InputError(f"{origin} is not a JSON object")
    return parsed


def _auths(content: Mapping[str, Any], origin: str) -> Mapping[str, Any]:
    auths = content.get("auths") or {}
    if not isinstance(auths, dict):
        raise InputError(f"the auths of {origin} are not a JSON object")
    return auths


def _entry(entries: Mapping[str, T_], server: str) -> T_ | None:
    """Look up the entry of a server; old entries are named by a URL instead of a host."""
    if server in entries:
        return entries[server]
    return next((entry for name, entry in entries.items() if _registry_host(name) == server), None)


def _registry_host(server: str) -> str:
    if "://" not in server:
        return server.partition("/")[0]
    try:
        return urlsplit(server).netloc.rpartition("@")[2].removesuffix(":")
    except ValueError:
        # No registry has this name.
        return ""


def _registry_token(content: Mapping[str, Any], server: str) -> str:
    """Read what the file adds to the answer of a helper: nothing but a registry's own token."""
    auths = content.get("auths")
    match _entry(auths, server) if isinstance(auths, dict) else None:
        case {"registrytoken": str(token)}:
            return token
        case _:
            return ""


def _decode_entry(server: str, entry: object) -> Login:
    """Decode the credentials of an entry; errors never include its content."""
    if entry is None:
        return Login()
    if not isinstance(entry, dict):
        raise InputError(
            f"the credentials of {server} in docker's configuration are not a JSON object"
        )
    fields = {key: entry.get(key) or "" for key in _KEYS}
    if not all(isinstance(value, str) for value in fields.values()):
        raise InputError(f"the credentials of {server} in docker's configuration are not strings")
    token = fields["registrytoken"]
    if fields["identitytoken"]:
        return Login(secret=fields["identitytoken"], registry_token=token)
    if not fields["auth"]:
        return Login(fields["username"], fields["password"], token)
    try:
        name, colon, secret = (
            base64.b64decode(_without_line_ends(fields["auth"]), validate=True)
            .decode()
            .partition(":")
        )
    except ValueError:
        name = colon = secret = ""
    if not name or not colon:
        raise InputError(
            f"the auth of {server} in docker's configuration is not the base64 of NAME:PASSWORD"
        )
    return Login(name, secret.strip("\0"), token)


def _without_line_ends(text: str) -> str:
    """Remove the line ends that programs such as base64 put into their output."""
    return text.replace("\r", "").replace("\n", "")


def _ask_helper(helper: str, server: str) -> Login:
    """Query a credential helper; empty if it has no credentials."""
    name, secret = credential_helpers.ask(helper, server) or ("", "")
    return Login("" if name == _IDENTITY else name, secret)
