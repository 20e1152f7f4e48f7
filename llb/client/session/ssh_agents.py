"""Open the ssh agents of a build: existing sockets, and temporary agents for key files."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from llb._lazy import lazy_imports
from llb.client.session.ssh_agent_spec import VARIABLE, is_socket
from llb.errors import InputError, InvalidValueError
from llb.local_files import unix_sockets

with lazy_imports(__name__):
    from llb.client.session import private_ssh_agent  # 7 ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client.session.ssh_agent_spec import AgentSpec


class Agents:
    """The sockets of a build's ssh agents, open until :meth:`close`.

    Raises InputError for an unusable socket or key, and InvalidValueError for two of one id.
    """

    def __init__(self, specs: Iterable[AgentSpec], environ: Mapping[str, str] = os.environ) -> None:
        self._stack = ExitStack()
        self.sockets: dict[str, Path] = {}
        self.raw: set[str] = set()
        try:
            for spec in specs:
                self._check_new(spec.id)
                self.sockets[spec.id] = self._open(spec, environ)
                self.raw |= {spec.id} if spec.raw else set()
        except BaseException:
            self.close()
            raise

    def __bool__(self) -> bool:
        """Check whether there are any agents."""
        return bool(self.sockets)

    def __enter__(self) -> Self:
        """Enter the context, which closes the agents at its end."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the temporary agents."""
        self.close()

    def close(self) -> None:
        """Stop the temporary agents; a second call does nothing."""
        self._stack.close()

    def _check_new(self, name: str) -> None:
        if name in self.sockets:
            raise InvalidValueError(f"the ssh agent {name} is named twice")

    def _open(self, spec: AgentSpec, environ: Mapping[str, str]) -> Path:
        if not unix_sockets.EXIST:
            raise InputError(
                f"ssh {spec.id}: agents need Unix sockets, which Python lacks on Windows",
                hint="run the build in WSL",
            )
        if spec.keys:
            return private_ssh_agent.private_agent(self._stack, spec)
        socket = spec.socket or Path(environ.get(VARIABLE, ""))
        if spec.socket is None and not environ.get(VARIABLE):
            raise InputError(
                f"ssh {spec.id}: no agent: {VARIABLE} is not set",
                hint=f"start one with ssh-agent, or name a key: {spec.id}=~/.ssh/id_ed25519",
            )
        if not is_socket(socket):
            raise InputError(f"ssh {spec.id}: {socket} is not a socket")
        return socket
