"""Ssh agents that a client lends to builds: sockets, and private agents for key files."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attrs import frozen

from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT = "default"
_VARIABLE = "SSH_AUTH_SOCK"
_ADD_SECONDS = 20.0


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
            return _private_agent(self._stack, spec)
        socket = spec.socket or Path(environ.get(_VARIABLE, ""))
        if spec.socket is None and not environ.get(_VARIABLE):
            raise InputError(
                f"ssh {spec.id}: there is no agent: {_VARIABLE} is not set",
                hint=f"start one with ssh-agent, or name a key: {spec.id}=~/.ssh/id_ed25519",
            )
        if not _is_socket(socket):
            raise InputError(f"ssh {spec.id}: {socket} is no socket")
        return socket


def _private_agent(stack: ExitStack, spec: AgentSpec) -> Path:
    """Start an agent that has these keys alone, and ends with the stack."""
    for key in spec.keys:
        if not key.is_file():
            raise InputError(f"ssh {spec.id}: there is no key {key}")
    agent, add = shutil.which("ssh-agent"), shutil.which("ssh-add")
    if agent is None or add is None:
        raise InputError(
            f"ssh {spec.id}: keys need ssh-agent and ssh-add, which are not on PATH",
            hint="install OpenSSH's client, or name the socket of a running agent",
        )
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="llb-ssh-"))
    socket = Path(folder) / "agent"
    process = subprocess.Popen(
        [agent, "-D", "-a", socket], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    # It says where it listens once it does.
    assert process.stdout is not None
    stack.enter_context(process.stdout)
    process.stdout.readline()
    done = subprocess.run(
        [add, *spec.keys],
        env={**os.environ, _VARIABLE: str(socket), "SSH_ASKPASS_REQUIRE": "never"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_ADD_SECONDS,
        start_new_session=True,
    )
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise InputError(
            f"ssh {spec.id}: cannot use {', '.join(map(str, spec.keys))}: {words}",
            hint="a key with a passphrase has to be in an agent of yours",
        )
    return socket


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
