"""Where Docker's API is: ``DOCKER_HOST``, Docker's contexts, or its usual socket.

The order is that of Docker's CLI: a context that is named, ``DOCKER_HOST``,
``DOCKER_CONTEXT``, the context that ``docker context use`` chose, and the default. A context
is kept in a folder named after the sha256 of its name (docker/cli, cli/context/store).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.client.connect.address import DOCKER
from llb.client.connect.tls import TLS
from llb.client.registry_auth.docker_config import DockerConfig, config_folder
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT = "default"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_FILES = ("ca.pem", "cert.pem", "key.pem")


@frozen
class Endpoint:
    """Docker's API: ``unix://``, ``tcp://`` or ``ssh://``, and the certificates it asks for."""

    host: str
    tls: TLS | None = None


def find_endpoint(address: str, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return where Docker's API is, for ``docker://[CONTEXT]`` or the socket of a Docker.

    Raises InputError for a context that is not there or cannot be read.
    """
    if not address.startswith(DOCKER):
        return Endpoint(address)
    named = address.removeprefix(DOCKER)
    if "/" in named:
        raise InvalidValueError(f"invalid address {address!r}: expected docker://[CONTEXT]")
    name = named or _chosen(environ)
    return _of_environment(environ) if name == _DEFAULT else _of_context(name, environ)


def _chosen(environ: Mapping[str, str]) -> str:
    """Return the name of the context that is in use."""
    if environ.get("DOCKER_HOST"):
        return _DEFAULT
    chosen = environ.get("DOCKER_CONTEXT")
    return chosen or str(DockerConfig.load(environ).content.get("currentContext") or _DEFAULT)


def _of_environment(environ: Mapping[str, str]) -> Endpoint:
    host = environ.get("DOCKER_HOST") or _DEFAULT_HOST
    if not environ.get("DOCKER_TLS_VERIFY") or not host.startswith("tcp://"):
        return Endpoint(host)
    folder = environ.get("DOCKER_CERT_PATH") or config_folder(environ)
    return Endpoint(host, _certificates(Path(folder)))


def _of_context(name: str, environ: Mapping[str, str]) -> Endpoint:
    folder = config_folder(environ) / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    path = folder / "meta" / key / "meta.json"
    try:
        endpoint: dict[str, Any] = json.loads(path.read_bytes())["Endpoints"]["docker"]
        host = str(endpoint["Host"])
    except FileNotFoundError as error:
        raise InputError(
            f"docker has no context {name!r}: {path} does not exist",
            hint="docker context ls prints those that there are",
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not say where docker's context {name!r} is") from error
    if endpoint.get("SkipTLSVerify"):
        raise InputError(
            f"docker's context {name!r} trusts any certificate, which is not supported",
            hint="give the context the authority of the daemon: docker context update",
        )
    certificates = folder / "tls" / key / "docker"
    return Endpoint(host, _certificates(certificates) if certificates.is_dir() else None)


def _certificates(folder: Path) -> TLS:
    ca, cert, key = ((folder / name) if (folder / name).exists() else None for name in _FILES)
    return TLS(ca, cert, key)
