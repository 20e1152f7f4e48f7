"""Import bundles of build records into Docker Desktop, over the socket of its build server."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from llb.client.connect.docker.http import HTTPConnection
from llb.client.connect.sockets import dial
from llb.errors import InputError, TransportError
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOCKET = "docker-desktop-build.sock"
_FOLDERS = {
    "linux": ".docker/desktop",
    "darwin": "Library/Containers/com.docker.docker/Data",
}
_CHUNK = 64 * 1024
_MAX_ANSWER = 2**20
_OK = 200


def server_address(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> str:
    """Locate the build server of Docker Desktop. Raises InputError where it has none."""
    if environ.get("WSL_DISTRO_NAME") or system not in _FOLDERS:
        raise InputError(
            "Docker Desktop has no build server here", hint="import the file in its window"
        )
    return f"unix://{paths.home() / _FOLDERS[system] / _SOCKET}"


def import_bundle(file: BinaryIO, address: str) -> tuple[str, ...]:
    """Send a bundle to the build server; return the URLs of its builds in Docker Desktop.

    Raises InputError if there is no Docker Desktop, or it refuses the bundle.
    """
    try:
        connection = HTTPConnection(dial(address))
    except TransportError as error:
        raise InputError(
            f"cannot reach Docker Desktop at {address}: {error.message}",
            hint="start Docker Desktop; it alone can import builds",
        ) from error
    try:
        status, body = _upload(connection, file)
    except TransportError as error:
        raise InputError(f"Docker Desktop did not answer: {error.message}") from error
    finally:
        connection.close()
    if status != _OK:
        reason = " ".join(body.decode("utf-8", "replace").split())
        raise InputError(f"Docker Desktop refuses the file: {reason or f'status {status}'}")
    return tuple(f"docker-desktop://dashboard/build/.imported/_/{ref}" for ref in _parse(body))


def _upload(connection: HTTPConnection, file: BinaryIO) -> tuple[int, bytes]:
    connection.begin("POST", "/upload", [("Transfer-Encoding", "chunked")])
    while piece := file.read(_CHUNK):
        connection.send(piece)
    connection.end()
    head = connection.head()
    body = bytearray()
    for piece in connection.body():
        body += piece
        if len(body) > _MAX_ANSWER:
            raise TransportError("the answer is too large")
    return head.status, bytes(body)


def _parse(body: bytes) -> list[str]:
    try:
        refs = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("the answer of Docker Desktop is not JSON") from error
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        raise InputError("the answer of Docker Desktop is not a list of builds")
    if not refs:
        raise InputError("the file contains no builds")
    return refs
