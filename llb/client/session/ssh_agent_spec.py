"""Ssh agents as they are asked for: a socket, key files, or the user's own agent."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from attrs import frozen

from llb.errors import InvalidValueError

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
    if len(paths) == 1 and (raw or is_socket(paths[0])):
        return AgentSpec(id_, socket=paths[0], raw=raw)
    return AgentSpec(id_, keys=tuple(paths))


def to_agent(agent: str | AgentSpec) -> AgentSpec:
    """Return an agent, parsing text. Raises InvalidValueError."""
    return parse_agent(agent) if isinstance(agent, str) else agent


def is_socket(path: Path) -> bool:
    """Return whether there is a socket at a path."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
