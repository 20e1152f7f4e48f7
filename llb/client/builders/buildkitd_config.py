"""The configuration of a buildkitd that a driver starts, with the certificates that it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llb._lazy import lazy_imports
from llb.client.builders.docker_container import CONFIG_FILE, CONFIG_FOLDER
from llb.client.connect.routes import RegistryAccess
from llb.client.registry_auth.auth_tls import AuthTLS
from llb.errors import InputError

with lazy_imports(__name__):
    import tomli_w  # 2 ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.arguments.conversions import StrPath

_INVALID = re.compile(r"[^a-zA-Z0-9.-]+")
_LARGEST = 1024 * 1024
_NETWORK_HOST = "network.host"


def read_config(path: StrPath) -> dict[str, bytes]:
    """Read a configuration, and the certificates of its registries; raises InputError.

    The files are named by where they go below ``/etc/buildkit``, and the configuration names them
    there.
    """
    data = _read(path, "the configuration of buildkitd")
    files: dict[str, bytes] = {}
    content = _parse(data, path)
    registries = content.get("registry", {})
    if not isinstance(registries, dict):
        raise InputError(f"{path}: registry is not a table")
    for host, registry in registries.items():
        _move_certificates(host, registry, path, files)
    files[CONFIG_FILE] = tomli_w.dumps(content).encode() if files else data
    return files


def allows_host_network(files: Mapping[str, bytes]) -> bool:
    """Check whether the configuration among the files allows the network of the host."""
    data = files.get(CONFIG_FILE, b"")
    entitlements = tomllib.loads(data.decode()).get("insecure-entitlements")
    return isinstance(entitlements, list) and _NETWORK_HOST in entitlements


def registry_access(files: Mapping[str, bytes]) -> RegistryAccess:
    """Find out how the daemon with these files reaches registries.

    Raises InputError for a configuration that is not TOML, and InvalidValueError for certificates
    that are not PEM.
    """
    content = _parse(files.get(CONFIG_FILE, b""), CONFIG_FILE)
    registries = content.get("registry")
    tables = {
        host: table
        for host, table in (registries.items() if isinstance(registries, dict) else ())
        if isinstance(table, dict)
    }
    tls = [_to_tls(host, table, files) for host, table in tables.items()]
    return RegistryAccess(
        tuple(host for host, table in tables.items() if table.get("http") is True),
        tuple(options for options in tls if options is not None),
    )


def _to_tls(host: str, table: Mapping[str, Any], files: Mapping[str, bytes]) -> AuthTLS | None:
    """Convert the table of a registry, whose certificates are among the files."""

    def content(path: object) -> bytes | None:
        return files.get(str(path).removeprefix(f"{CONFIG_FOLDER}/"))

    ca = b"\n".join(data for path in table.get("ca", ()) if (data := content(path)) is not None)
    pairs = [
        (content(pair.get("cert")), content(pair.get("key"))) for pair in table.get("keypair", ())
    ]
    cert, key = next(((cert, key) for cert, key in pairs if cert and key), (None, None))
    is_insecure = table.get("insecure") is True
    if not ca and cert is None and not is_insecure:
        return None
    return AuthTLS(host, ca=ca or None, cert=cert, key=key, insecure=is_insecure)


def _move_certificates(host: str, registry: Any, path: StrPath, files: dict[str, bytes]) -> None:
    """Collect the certificates of a registry, and replace their paths in its table."""
    folder = f"certs/{_INVALID.sub('_', host)}"

    def move(file: object) -> str:
        if not isinstance(file, str):
            raise InputError(f"{path}: a certificate of the registry {host!r} is not a path")
        name = f"{folder}/{Path(file).name}"
        files[name] = _read(file, f"a certificate of the registry {host!r}")
        return str(CONFIG_FOLDER / name)

    if not isinstance(registry, dict):
        raise InputError(f"{path}: the registry {host!r} is not a table")
    authorities, pairs = registry.get("ca", []), registry.get("keypair", [])
    if not isinstance(authorities, list) or not isinstance(pairs, list):
        raise InputError(f"{path}: ca or keypair of the registry {host!r} is not a list")
    if authorities:
        registry["ca"] = [move(file) for file in authorities]
    for pair in pairs:
        if not isinstance(pair, dict):
            raise InputError(f"{path}: a keypair of the registry {host!r} is not a table")
        for key in ("key", "cert"):
            if pair.get(key):
                pair[key] = move(pair[key])


def _parse(data: bytes, path: StrPath) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def _read(path: StrPath, what: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read {path}, {what}: {reason}") from error
