"""The daemons of the stack: the image registry, and buildkitd or dockerd."""

from __future__ import annotations

import http.client
import json
import shlex
import socket
import subprocess
from typing import TYPE_CHECKING

from components import binaries
from components.process import Daemon
from components.settings import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from components.settings import Settings

PROBE_SECONDS = 5.0
# The size of the build cache in bytes above which `dev/stack trim` removes it. A run of all tests
# adds a third of it.
CACHE_LIMIT = 15_000_000_000


def registry(settings: Settings) -> Daemon:
    """Configure Debian's docker-registry on the loopback, with its images in the stack's state."""
    config = settings.folder("run") / "registry.yml"
    # The configuration is YAML, which includes JSON.
    yaml = json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(settings.folder("registry"))},
                "delete": {"enabled": True},
            },
            "http": {"addr": settings.registry},
        }
    )
    return Daemon(
        name="registry",
        command=("docker-registry", "serve", str(config)),
        ready=lambda: _answers(http.client.HTTPConnection(settings.registry), "/v2/"),
        port=settings.registry_port,
        files={config: yaml},
    )


def buildkitd(settings: Settings, programs: Path) -> Daemon:
    """Configure buildkitd with one socket, one port, and the registry as its mirror."""
    sock = buildkit_socket(settings)
    addresses = [f"unix://{sock}", f"tcp://127.0.0.1:{settings.buildkit_port}"]
    config = settings.folder("run") / "buildkitd.toml"
    return Daemon(
        name="buildkitd",
        command=(str(binaries.buildkitd(settings)), "--config", str(config)),
        ready=lambda: sock.exists() and _has_workers(programs / "buildctl", addresses[0]),
        port=settings.buildkit_port,
        files={config: buildkitd_config(settings, _root(settings), addresses)},
    )


def _root(settings: Settings) -> Path:
    """Create the folder of the build cache: versions may not understand the files of others."""
    name = f"buildkitd-{settings.buildkit}" if settings.buildkit else "buildkitd"
    return settings.folder(name)


def dockerd(settings: Settings) -> Daemon:
    """Configure Docker Engine, whose BuildKit is the fallback if buildkitd cannot be built."""
    sock = docker_socket(settings)
    command = (
        "dockerd",
        *("--host", f"unix://{sock}"),
        *("--data-root", str(settings.folder("docker"))),
        *("--exec-root", str(settings.folder("run") / "docker")),
        *("--pidfile", str(settings.folder("run") / "dockerd.pid")),
        *("--insecure-registry", settings.registry),
        *(("--registry-mirror", f"http://{settings.registry}") if settings.local_images else ()),
    )
    return Daemon(
        name="dockerd",
        command=command,
        ready=lambda: sock.exists() and _answers(_UnixConnection(sock), "/_ping"),
    )


def buildkit_socket(settings: Settings) -> Path:
    """Locate the socket of buildkitd."""
    return settings.folder("run") / "buildkitd.sock"


def docker_socket(settings: Settings) -> Path:
    """Locate the socket of dockerd."""
    return settings.folder("run") / "docker.sock"


def buildkitd_config(
    settings: Settings,
    root: Path,
    addresses: list[str],
    *,
    tls: Path | None = None,
    platforms: Sequence[str] | None = None,
    containerd: Path | None = None,
) -> str:
    """Generate a buildkitd.toml: OCI or containerd worker, overlayfs, and host network.

    With the certificates in the folder ``tls``, ports require client certificates. ``platforms``
    override the platforms of the worker. ``containerd`` is the socket of a containerd.

    Images that the mirror lacks are pulled from docker.io, as is buildkitd's default.
    """
    lines = [
        f"root = {_quote(root)}",
        'insecure-entitlements = ["network.host", "security.insecure"]',
        "[grpc]",
        f"address = {json.dumps(addresses)}",
        *_tls_config(tls),
        *_worker(containerd),
        *([f"platforms = {json.dumps(platforms)}"] if platforms else []),
    ]
    for name in (settings.registry, f"localhost:{settings.registry_port}"):
        lines += [f"[registry.{_quote(name)}]", "http = true"]
    if settings.local_images:
        lines += ['[registry."docker.io"]', f"mirrors = [{_quote(settings.registry)}]"]
    return "\n".join(lines) + "\n"


def _worker(containerd: Path | None) -> list[str]:
    """Generate the tables of both workers, the enabled one last."""
    # Collected while tests run, a record that a test expects to be cached could be missing.
    common = ["enabled = true", "gc = false", 'snapshotter = "overlayfs"', 'networkMode = "host"']
    if containerd is None:
        disabled = ["[worker.containerd]", "enabled = false"]
        return [*disabled, "[worker.oci]", *common, 'binary = "runc"']
    disabled = ["[worker.oci]", "enabled = false"]
    return [*disabled, "[worker.containerd]", *common, f"address = {_quote(containerd)}"]


def _tls_config(folder: Path | None) -> list[str]:
    if folder is None:
        return []
    files = ("cert", "key", "ca")
    return ["[grpc.tls]", *(f"{name} = {_quote(folder / f'{name}.pem')}" for name in files)]


def trim(buildctl: Path, address: str, limit: int = CACHE_LIMIT) -> None:
    """Remove the whole build cache if it is larger than ``limit`` bytes.

    A part of a cache is of no use: a test may find the cache of one of its steps without that of
    another. Raises StackError.
    """
    records = _run(buildctl, address, "du", "--format", "{{json .}}")
    if sum(record["size"] for record in json.loads(records) or ()) > limit:
        _run(buildctl, address, "prune", "--all")


def _run(buildctl: Path, address: str, *arguments: str) -> str:
    command = [str(buildctl), "--addr", address, *arguments]
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    if process.returncode:
        raise StackError(f"{shlex.join(command)} failed: {process.stderr.strip()}")
    return process.stdout


def engine(settings: Settings) -> Daemon:
    """Select the BuildKit to run: buildkitd if it is built, unless Docker Engine is selected."""
    programs = binaries.folder(settings)
    if settings.engine == "buildkit" or (
        settings.engine == "auto" and binaries.buildkitd(settings).exists()
    ):
        return buildkitd(settings, programs)
    return dockerd(settings)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PROBE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PROBE_SECONDS)
        self.sock.connect(str(self._path))


def _answers(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _has_workers(buildctl: Path, address: str) -> bool:
    listing = [str(buildctl), "--addr", address, "--timeout", "5", "debug", "workers"]
    process = subprocess.run(listing, check=False, capture_output=True, text=True)
    return process.returncode == 0 and len(process.stdout.splitlines()) > 1


def _quote(value: object) -> str:
    # TOML basic strings have the syntax of JSON strings.
    return json.dumps(str(value))
