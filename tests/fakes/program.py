"""Run a frontend program as a daemon does, over its standard streams."""

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
from llb.testing.fake_buildkit.bridge import METHODS, Conversation, DaemonState, to_result
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
    """The outcome of a frontend program: result or error, exit status and standard error."""

    result: Result | None
    error: RemoteError | None
    status: int
    stderr: str
    definitions: dict[str, Definition]
    calls: tuple[str, ...]

    @property
    def definition(self) -> Definition:
        """The definition of the only tree of the result."""
        (definition,) = self.definitions.values()
        return definition


def run_program(
    *arguments: str | Path,
    options: Mapping[str, str] | None = None,
    files: Mapping[str, Content] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Served:
    """Start ``python ARGUMENTS`` as a daemon starts a frontend, and answer its calls."""
    client = LocalClient({"context": files or {}, "dockerfile": files or {}})
    images = FakeImages()
    state = DaemonState(
        Builder({}, images, lambda _: client.session), images=images, session_id="s"
    )
    conversation = Conversation(state)
    option_variables = {
        f"BUILDKIT_FRONTEND_OPT_{number}": f"{key}={value}"
        for number, (key, value) in enumerate((options or {}).items())
    }
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "BUILDKIT_SESSION_ID": "s", **option_variables, **(environ or {})},
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
    stderr = process.stderr.read().decode()
    process.stderr.close()
    status = process.wait()
    server.close()
    serving.join()
    client.close()
    result, error = None, None
    if conversation.returned is not None:
        try:
            result = to_result(conversation.result())
        except RemoteError as raised:
            error = raised
    definitions = {} if result is None else state.trees_of(result)
    return Served(result, error, status, stderr, definitions, tuple(state.calls))


def _serve(server: Server) -> None:
    with suppress(TransportError):
        server.serve()
