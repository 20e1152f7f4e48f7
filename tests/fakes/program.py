"""Frontends as programs: a daemon starts one, and speaks to it over its standard streams."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from llb.errors import RemoteError, TransportError
from llb.grpc import Server, stdio_pipe
from llb.testing.fake_buildkit.bridge import METHODS, Conversation, World, to_result
from llb.testing.fake_buildkit.building import Builder
from llb.testing.fake_buildkit.local import LocalClient
from llb.testing.images import FakeImages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llb import Definition
    from llb.gateway import Result
    from llb.sources.inline_files import Content


@frozen
class Served:
    """What came of a program: a result or an error, its exit status, and what it wrote."""

    result: Result | None
    error: RemoteError | None
    status: int
    stderr: str
    definitions: dict[str, Definition]
    calls: tuple[str, ...]

    @property
    def definition(self) -> Definition:
        """The only tree of the result."""
        (found,) = self.definitions.values()
        return found


def run_program(
    *arguments: str | Path,
    options: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Served:
    """Start ``python ARGUMENTS`` as a daemon starts a frontend, and answer what it asks."""
    client = LocalClient({"context": files or {}, "dockerfile": files or {}})
    images = FakeImages()
    world = World(Builder({}, images, lambda _: client.session), images=images, session_id="s")
    conversation = Conversation(world)
    given = {
        f"BUILDKIT_FRONTEND_OPT_{number}": f"{key}={value}"
        for number, (key, value) in enumerate((options or {}).items())
    }
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "BUILDKIT_SESSION_ID": "s", **given, **(environ or {})},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    pipe = stdio_pipe(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdin.close()
    process.stdout.close()
    server = Server(pipe, dict.fromkeys(METHODS, conversation.handle))
    serving = threading.Thread(target=_serve, args=(server,))
    serving.start()
    written = process.stderr.read().decode()
    process.stderr.close()
    status = process.wait()
    server.close()
    serving.join()
    client.close()
    result, error = None, None
    if conversation.last is not None:
        try:
            result = to_result(conversation.result())
        except RemoteError as raised:
            error = raised
    definitions = {} if result is None else world.trees_of(result)
    return Served(result, error, status, written, definitions, tuple(world.calls))


def _serve(server: Server) -> None:
    with suppress(TransportError):
        server.serve()
