"""Find Docker's API: ``DOCKER_HOST``, Docker contexts, or the default socket.

The order is that of Docker's CLI: a context that is named explicitly, ``DOCKER_HOST``,
``DOCKER_CONTEXT``, the context selected by ``docker context use``, and the default. A context
is stored in a folder named after the sha256 of its name (docker/cli, cli/context/store).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.client.connect.address import DOCKER
from llb.client.connect.tls import TLS
from llb.client.registry_auth.docker_config import DockerConfig, config_folder
from llb.errors import InputError, InvalidValueError, did_you_mean
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "default"
"""The name of the context that the environment describes."""
_SOCKET, _PIPE = "unix:///var/run/docker.sock", "npipe:////./pipe/docker_engine"
_DEFAULT_HOST = _PIPE if sys.platform == "win32" else _SOCKET
# Docker completes an address without a path.
_COMPLETED = {"unix://": _SOCKET, "npipe://": _PIPE}
_FILES = ("ca.pem", "cert.pem", "key.pem")


@frozen
class Endpoint:
    """The address of a Docker API (a socket, a named pipe, or ``ssh://``), and its certificates."""

    host: str
    tls: TLS | None = None


def find_endpoint(address: str, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Find Docker's API for ``docker://[CONTEXT]`` or for the address of a Docker socket.

    Raises InputError for a missing or unreadable context.
    """
    if not address.startswith(DOCKER):
        return Endpoint(address)
    context = address.removeprefix(DOCKER)
    if "/" in context:
        raise InvalidValueError(f"invalid address {address!r}: expected docker://[CONTEXT]")
    name = context or current_context(environ)
    return _environment_endpoint(environ) if name == DEFAULT else _context_endpoint(name, environ)


def endpoint_of(name: str, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Find Docker's API by the name of a context, or by the address of a host.

    Raises InputError for a missing or unreadable context.
    """
    if "://" in name:
        return Endpoint(name)
    return find_endpoint(f"{DOCKER}{name}", environ)


def current_endpoint(environ: Mapping[str, str] = os.environ) -> str:
    """Determine the name of the current context or, for the default one, the address of Docker."""
    name = current_context(environ)
    return _environment_endpoint(environ).host if name == DEFAULT else name


def context_names(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """List the names of all contexts, the default one first."""
    return (DEFAULT, *_names(config_folder(environ) / "contexts"))


def current_context(environ: Mapping[str, str] = os.environ) -> str:
    """Determine the name of the current context."""
    if environ.get("DOCKER_HOST"):
        return DEFAULT
    context = environ.get("DOCKER_CONTEXT")
    return context or str(DockerConfig.load(environ).content.get("currentContext") or DEFAULT)


def _environment_endpoint(environ: Mapping[str, str]) -> Endpoint:
    host = environ.get("DOCKER_HOST") or _DEFAULT_HOST
    host = _COMPLETED.get(host, host)
    if not environ.get("DOCKER_TLS_VERIFY") or not host.startswith("tcp://"):
        return Endpoint(host)
    folder = environ.get("DOCKER_CERT_PATH") or config_folder(environ)
    return Endpoint(host, _certificates(Path(folder)))


def _context_endpoint(name: str, environ: Mapping[str, str]) -> Endpoint:
    folder = config_folder(environ) / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    path = folder / "meta" / key / "meta.json"
    try:
        endpoint: dict[str, Any] = json.loads(path.read_bytes())["Endpoints"]["docker"]
        host = str(endpoint["Host"])
    except FileNotFoundError as error:
        raise InputError(
            f"docker has no context {name!r}: {path} does not exist",
            hint=did_you_mean(name, [DEFAULT, *_names(folder)])
            or "the contexts are in the folder contexts of Docker's configuration",
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} has no endpoint for docker's context {name!r}") from error
    if endpoint.get("SkipTLSVerify"):
        raise InputError(
            f"docker's context {name!r} trusts any certificate, which is not supported",
            hint="add the daemon's authority to the context with `docker context update`",
        )
    certificates = folder / "tls" / key / "docker"
    return Endpoint(host, _certificates(certificates) if paths.is_dir(certificates) else None)


def _names(folder: Path) -> list[str]:
    """List the names of the contexts in a folder, as far as they can be read."""
    names = []
    for path in sorted(folder.glob("meta/*/meta.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            names.append(str(json.loads(path.read_bytes())["Name"]))
    return names


def _certificates(folder: Path) -> TLS:
    ca, cert, key = ((folder / name) if paths.exists(folder / name) else None for name in _FILES)
    return TLS(ca, cert, key)
