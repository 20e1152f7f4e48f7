"""Docker's own configuration of credentials: ``config.json``, helpers and stores.

The format is that of Docker's CLI (``docker login``): ``credHelpers`` and ``credsStore``
name programs ``docker-credential-NAME``, ``auths`` holds the rest.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import frozen

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HUB = "https://index.docker.io/v1/"
_HUB_HOSTS = ("registry-1.docker.io", "docker.io", "index.docker.io")
_IDENTITY = "<token>"
_HELPER_SECONDS = 60.0
_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


@frozen
class Credentials:
    """A name and a secret; without a name the secret is an identity token."""

    username: str = ""
    secret: str = ""


@frozen
class DockerConfig:
    """What a ``config.json`` says of credentials; absent files say nothing."""

    content: Mapping[str, Any]

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> DockerConfig:
        """Return the configuration of ``DOCKER_CONFIG``, or of ``~/.docker``.

        Raises InputError for a file that cannot be read or is no JSON.
        """
        path = config_folder(environ) / "config.json"
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return cls({})
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise InputError(f"{path} is no JSON: {error}") from error
        return cls(content if isinstance(content, dict) else {})

    def credentials(self, host: str) -> Credentials:
        """Return what a registry is to be told, nothing where it is not known.

        Raises InputError where a helper fails.
        """
        server = _HUB if host in _HUB_HOSTS else host
        helper = self.content.get("credHelpers", {}).get(server) or self.content.get("credsStore")
        if helper:
            found = _ask(helper, server)
            if found is not None:
                return found
        for known, entry in self.content.get("auths", {}).items():
            if known == server or _host_of(known) == host:
                return _decoded(entry)
        return Credentials()

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


def _host_of(server: str) -> str:
    return urlsplit(server).netloc if "://" in server else server.partition("/")[0]


def _decoded(entry: Mapping[str, str]) -> Credentials:
    if entry.get("identitytoken"):
        return Credentials(secret=entry["identitytoken"])
    if entry.get("auth"):
        text = base64.b64decode(entry["auth"]).decode(errors="replace").rstrip("\0")
        name, _, secret = text.partition(":")
        return Credentials(name, secret)
    return Credentials(entry.get("username", ""), entry.get("password", ""))


def _ask(helper: str, server: str) -> Credentials | None:
    """Return what a credential helper knows, None where it knows nothing."""
    program = f"docker-credential-{helper}"
    if shutil.which(program) is None:
        raise InputError(
            f"docker's config.json names the credential helper {program}, which is not on PATH"
        )
    done = subprocess.run(
        [program, "get"],
        input=server.encode(),
        capture_output=True,
        check=False,
        timeout=_HELPER_SECONDS,
    )
    words = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        if "not found" in words:
            return None
        raise InputError(f"{program} gave no credentials for {server}: {' '.join(words.split())}")
    try:
        answer = json.loads(done.stdout)
        name, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{program} gave no credentials for {server}: no JSON of them") from error
    return Credentials("" if name == _IDENTITY else name, secret)
