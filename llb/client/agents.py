"""Ssh agents that a client lends to builds: sockets, and private agents for key files."""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attrs import frozen

from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT = "default"
VARIABLE = "SSH_AUTH_SOCK"


@frozen
class AgentSpec:
    """What stands behind an id: a socket, key files, or neither for the user's own agent.

    What goes through a ``raw`` socket is not looked at; of an agent, a build may list
    keys and have something signed, and nothing else.
    """

    id: str = DEFAULT
    socket: Path | None = None
    keys: tuple[Path, ...] = ()
    raw: bool = False


def parse_agent(text: str) -> AgentSpec:
    """Return the agent of ``default``, ``ID=SOCKET`` or ``ID=KEY[,KEY…]``, as buildctl reads it.

    ``,raw=true`` may follow a socket. Raises InvalidValueError.

    >>> parse_agent("default")
    AgentSpec(id='default', socket=None, keys=(), raw=False)
    """
    id_, equals, rest = text.partition("=")
    words = [word for word in rest.split(",") if word]
    if not id_ or (equals and not words):
        raise InvalidValueError(
            f"invalid ssh {text!r}: expected ID, ID=SOCKET or ID=KEY,…", hint="for example default"
        )
    raw = "raw=true" in words
    paths = [Path(word).expanduser() for word in words if not re.match(r"raw=(true|false)\Z", word)]
    if raw and len(paths) != 1:
        raise InvalidValueError(f"invalid ssh {text!r}: raw=true needs one socket")
    if len(paths) == 1 and (raw or _is_socket(paths[0])):
        return AgentSpec(id_, socket=paths[0], raw=raw)
    return AgentSpec(id_, keys=tuple(paths))


def to_agent(agent: str | AgentSpec) -> AgentSpec:
    """Return an agent, parsing text. Raises InvalidValueError."""
    return parse_agent(agent) if isinstance(agent, str) else agent


class Agents:
    """The sockets of agents, open until :meth:`close`.

    Raises InputError for a socket or key that cannot be used.
    """

    def __init__(self, specs: Iterable[AgentSpec], environ: Mapping[str, str] = os.environ) -> None:
        self._stack = ExitStack()
        self.sockets: dict[str, Path] = {}
        self.raw: set[str] = set()
        try:
            for spec in specs:
                self.sockets[spec.id] = self._open(spec, environ)
                self.raw |= {spec.id} if spec.raw else set()
        except BaseException:
            self.close()
            raise

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.sockets)

    def __enter__(self) -> Self:
        """Return the agents themselves."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the private ones."""
        self.close()

    def close(self) -> None:
        """End the private agents; a second call does nothing."""
        self._stack.close()

    def _open(self, spec: AgentSpec, environ: Mapping[str, str]) -> Path:
        if spec.keys:
            # What it starts programs with takes 5 ms to import, and few builds have keys.
            from llb.client.private_agent import private_agent  # noqa: PLC0415

            return private_agent(self._stack, spec)
        socket = spec.socket or Path(environ.get(VARIABLE, ""))
        if spec.socket is None and not environ.get(VARIABLE):
            raise InputError(
                f"ssh {spec.id}: there is no agent: {VARIABLE} is not set",
                hint=f"start one with ssh-agent, or name a key: {spec.id}=~/.ssh/id_ed25519",
            )
        if not _is_socket(socket):
            raise InputError(f"ssh {spec.id}: {socket} is no socket")
        return socket


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
