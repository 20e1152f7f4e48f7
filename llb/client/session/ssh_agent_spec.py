"""Specifications of ssh agents: a socket, key files, or the user's own agent."""

from __future__ import annotations

import stat
from pathlib import Path  # noqa: TC003 - attrs resolves it

from attrs import frozen

from llb.arguments.checked import checked_init
from llb.client.key_values import parse_flag
from llb.errors import InvalidValueError
from llb.local_files import paths

DEFAULT = "default"
VARIABLE = "SSH_AUTH_SOCK"
_RAW = "raw="


@checked_init
@frozen
class AgentSpec:
    """The ssh agent for an id: a socket, key files, or by default the user's own agent.

    A build may only list keys and request signatures; through a ``raw`` socket, everything is
    forwarded unchecked.
    """

    id: str = DEFAULT
    socket: Path | None = None
    keys: tuple[Path, ...] = ()
    raw: bool = False


def parse_agent(text: str) -> AgentSpec:
    """Parse ``default``, ``ID=SOCKET`` or ``ID=KEY[,KEY…]``, as buildctl does.

    Without an id it is ``default``, and without files the user's own agent. ``,raw=true`` may follow
    a socket. Raises InvalidValueError.

    >>> parse_agent("default")
    AgentSpec(id='default', socket=None, keys=(), raw=False)
    """
    if not text:
        raise InvalidValueError(
            "invalid ssh '': expected ID, ID=SOCKET or ID=KEY,…", hint="for example default"
        )
    id_, _, paths_field = text.partition("=")
    id_ = id_ or DEFAULT
    words = [word for word in paths_field.split(",") if word]
    raw = False
    files = []
    for word in words:
        if word.startswith(_RAW):
            raw = parse_flag(word.removeprefix(_RAW), f"raw of the ssh agent {id_}")
        else:
            files.append(paths.expand_user(word))
    if raw and len(files) != 1:
        raise InvalidValueError(f"invalid ssh {text!r}: raw=true needs one socket")
    if len(files) == 1 and (raw or is_socket(files[0])):
        return AgentSpec(id_, socket=files[0], raw=raw)
    return AgentSpec(id_, keys=tuple(files))


def to_agent(agent: str | AgentSpec) -> AgentSpec:
    """Parse a string as an agent; pass an AgentSpec through. Raises InvalidValueError."""
    return parse_agent(agent) if isinstance(agent, str) else agent


def is_socket(path: Path) -> bool:
    """Check whether a path is a socket."""
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
