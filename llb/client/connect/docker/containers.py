"""Containers of a Docker: a process in one of them, and one that runs a BuildKit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llb.client.connect.docker.engine import Engine
from llb.client.connect.docker.errors import AnswerError
from llb.client.connect.docker.exec_pipe import ExecPipe, frames
from llb.client.connect.docker.images import ARCHIVE
from llb.client.connect.retry import delays
from llb.errors import Hint, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.client.connect.docker.engine import Docker
    from llb.grpc import Pipe

_CONFLICT = 409
_DIAL = ("buildctl", "dial-stdio")
# The connection of a process may end before Docker knows that the process has.
_END_SECONDS = 3.0


def dial_buildctl(docker: Docker, container: str) -> Pipe:
    """Start ``buildctl dial-stdio`` in a container and return its input and output.

    Raises TransportError.
    """
    streams = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
    with Engine(docker) as engine:
        path = f"/containers/{quote(container)}/exec"
        try:
            created = engine.call("POST", path, content={**streams, "Cmd": _DIAL})
        except AnswerError as error:
            raise _exec_error(engine.host, container, error) from error
        identity = str(created["Id"])
        pipe = engine.upgrade(f"/exec/{identity}/start", {"Detach": False, "Tty": False})
    return ExecPipe(pipe, container, lambda: _exit_code(docker, identity))


class Containers:
    """The containers of a Docker by their names. Methods raise TransportError and AnswerError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self, name: str) -> str | None:
        """Query Docker's word for the state of a container, None if it does not exist."""
        try:
            details = self._engine.call("GET", f"/containers/{quote(name)}/json")
        except AnswerError as error:
            if error.is_missing:
                return None
            raise
        # Docker also finds containers by the start of their ids.
        return str(details["State"]["Status"]) if details["Name"] == f"/{name}" else None

    def create(
        self, name: str, image: str, host_config: Mapping[str, Any], **config: object
    ) -> bool:
        """Create a container; False if another program has just created it.

        ``config`` are further fields of the call, such as ``Cmd`` and ``Env``.
        """
        content = {"Image": image, "HostConfig": host_config, **config}
        try:
            self._engine.call("POST", "/containers/create", {"name": name}, content, is_slow=True)
        except AnswerError as error:
            if error.status != _CONFLICT:
                raise
            return False
        return True

    def unpack(self, name: str, folder: str, archive: bytes) -> None:
        """Unpack a tar archive into a folder of a container."""
        path = f"/containers/{quote(name)}/archive"
        upload = self._engine.upload("PUT", path, {"path": folder}, ARCHIVE)
        upload.send(archive)
        upload.end()

    def start(self, name: str) -> None:
        """Start a container, unless it runs."""
        self._engine.call("POST", f"/containers/{quote(name)}/start", is_slow=True)

    def stop(self, name: str) -> None:
        """Stop a container."""
        self._engine.call("POST", f"/containers/{quote(name)}/stop", is_slow=True)

    def remove(self, name: str) -> None:
        """Remove a container, also a running one."""
        self._engine.call("DELETE", f"/containers/{quote(name)}", {"force": "1"}, is_slow=True)

    def remove_volume(self, name: str) -> None:
        """Remove a volume, if it exists."""
        self._engine.call("DELETE", f"/volumes/{quote(name)}", {"force": "1"}, is_slow=True)

    def log(self, name: str, lines: int) -> list[str]:
        """Read the last lines of a container's output."""
        query = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        data = self._engine.read("GET", f"/containers/{quote(name)}/logs", query)
        pieces = iter([data, b""])
        output = b"".join(piece for _, piece in frames(lambda: next(pieces, b"")))
        return output.decode(errors="replace").splitlines()


def _exec_error(host: str, container: str, error: AnswerError) -> TransportError:
    """Build the error for a container in which no process can be started."""
    if error.is_missing:
        create = f"llb daemon start --container {container}"
        return TransportError(
            f"{host}: no container {container!r}",
            hint=Hint(
                f"create it with BuildKitContainer({container!r}).start()",
                command=f"create it with `{create}`",
            ),
        )
    if error.status == _CONFLICT and "not running" in error.message:
        return TransportError(
            f"{host}: the container {container!r} is not running",
            hint=Hint(
                f"start it with BuildKitContainer({container!r}).start()",
                command=f"start it with `llb daemon start --container {container}`",
            ),
        )
    if error.hint is None and not error.message.startswith(host):
        return TransportError(f"{host}: {error.message}")
    return error


def _exit_code(docker: Docker, identity: str) -> int | None:
    """Query the exit code of a process that has ended or is about to; None if it is unknown."""
    deadline = time.monotonic() + _END_SECONDS
    try:
        with Engine(docker) as engine:
            for pause in delays():
                details = engine.call("GET", f"/exec/{identity}/json")
                if not details["Running"] or time.monotonic() > deadline:
                    return details["ExitCode"]  # type: ignore[no-any-return]
                time.sleep(pause)
    except TransportError:
        # Docker itself has ended, and the container with it.
        return None
    return None
