"""Parse daemon addresses, and find a default daemon if none is specified."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from llb.client.connect import named_pipe
from llb.errors import InvalidValueError
from llb.local_files import unix_sockets

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "BUILDKIT_HOST"
DOCKER = "docker://"
BUILDER = "builder://"
_NAMED_PIPE = "npipe://"
_DOCKER_SOCKET = "docker.sock"
_ROOT_SOCKET = Path("/run/buildkit/buildkitd.sock")
# An IPv6 address may end with an IPv4 address, and have the zone of an interface.
_TCP = re.compile(r"tcp://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%[^\s\]/]+)?\]):([0-9]{1,5})\Z")
_LAST_PORT = 65535
_PIPE = re.compile(r"\\\\[^\\]+\\pipe\\.+", re.IGNORECASE)
# Where a buildkitd for Windows listens.
_WINDOWS_PIPE = "npipe:////./pipe/buildkitd"


def pipe_name(address: str) -> str:
    r"""Convert ``npipe:////./pipe/NAME`` to the name of a pipe on Windows.

    Raises InvalidValueError.

    >>> print(pipe_name("npipe:////./pipe/docker_engine"))
    \\.\pipe\docker_engine
    """
    name = address.removeprefix(_NAMED_PIPE).replace("/", "\\")
    if not _PIPE.fullmatch(name):
        raise InvalidValueError(
            f"invalid address {address!r}: expected npipe:////./pipe/NAME",
            hint="for example npipe:////./pipe/docker_engine",
        )
    return name


def check_socket(address: str) -> None:
    """Check an address: ``unix://PATH``, ``tcp://HOST:PORT`` or ``npipe:////./pipe/NAME``.

    Raises InvalidValueError.
    """
    if address.startswith(_NAMED_PIPE):
        pipe_name(address)
        return
    if address.startswith("unix://"):
        if address == "unix://":
            raise InvalidValueError(f"invalid address {address!r}: expected unix://PATH")
        return
    match = _TCP.match(address)
    if match is None or int(match[1]) > _LAST_PORT:
        raise InvalidValueError(
            f"invalid address {address!r}: expected unix://PATH or tcp://HOST:PORT",
            hint=address_hint(address),
        )


def address_hint(address: str) -> str:
    """Show how an address is written, from what it probably is.

    >>> address_hint("/run/x.sock"), address_hint("builder:1234")
    ('did you mean unix:///run/x.sock?', 'did you mean tcp://builder:1234?')
    """
    scheme, separator, rest = address.partition(":")
    if address.startswith("/"):
        return f"did you mean unix://{address}?"
    if scheme in ("unix", "tcp") and separator and not rest.startswith("//"):
        return f"did you mean {scheme}://{rest}?"
    if separator and rest.isdecimal():
        return f"did you mean tcp://{address}?"
    if scheme == "tcp":
        return "for example tcp://builder:1234"
    return "for example unix:///run/buildkit/buildkitd.sock"


def is_docker(address: str) -> bool:
    """Check whether an address is Docker's API rather than a buildkitd.

    >>> is_docker("unix:///var/run/docker.sock"), is_docker("docker-container://x")
    (True, False)
    >>> is_docker("npipe:////./pipe/docker_engine"), is_docker("npipe:////./pipe/buildkitd")
    (True, False)
    """
    if address.startswith(_NAMED_PIPE):
        return address.replace("\\", "/").rpartition("/")[2].lower().startswith("docker")
    if address.startswith("unix://"):
        return Path(address.removeprefix("unix://")).name == _DOCKER_SOCKET
    return address.startswith(DOCKER)


def explicit_address(address: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Choose the address from the argument or from ``BUILDKIT_HOST``; None if neither is set."""
    return address or environ.get(VARIABLE) or None


def default_socket(environ: Mapping[str, str] = os.environ) -> str | None:
    """Find the first default socket that answers: the system's, then the user's.

    A stale socket, left by a daemon that no longer runs, is skipped. On Windows it is a pipe.
    """
    if named_pipe.listens(pipe_name(_WINDOWS_PIPE)):
        return _WINDOWS_PIPE
    candidates = [_ROOT_SOCKET]
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime:
        candidates.append(Path(runtime) / "buildkit" / "buildkitd.sock")
    for candidate in candidates:
        if listens(candidate):
            return f"unix://{candidate}"
    return None


def listens(path: Path) -> bool:
    """Check whether a process that this user may connect to listens on a socket."""
    try:
        unix_sockets.connect(str(path)).close()
    except OSError:
        return False
    return True
