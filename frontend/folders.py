"""Local directories of the client: the steps that load them, and those that every build begins with.

Progress shows each step under the name that BuildKit's own frontend gives it.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from llb import Local
from llb.errors import LLBError, RemoteError
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import Definition, State
    from llb.gateway import Gateway, Ref, Request

DEFAULT_FILENAME = "Dockerfile"
IGNORE = ".dockerignore"
CONTEXT = "context"
DOCKERFILE = "dockerfile"
# Options with which the Dockerfile, or the context, may be elsewhere.
_ELSEWHERE = ("context", "contextkey", "dockerfilekey")


def local_folder(
    name: str,
    label: str,
    *,
    session_id: str,
    shared_key: str,
    follow_paths: Iterable[str] = (),
    include: Iterable[str] = (),
) -> State:
    """Return a local directory, or what is named of it, as a step called ``label``."""
    return Local(
        name,
        follow_paths=follow_paths,
        include=include,
        session_id=session_id,
        shared_key=shared_key,
        differ="none",
        name=label,
        locations=(),
    )


def dockerfile_folder(filename: str, name: str, session_id: str) -> State:
    """Return the Dockerfile and its ignore file, in a local directory."""
    other = [] if (found := other_name(filename)) is None else [found]
    return local_folder(
        name,
        f"[internal] load build definition from {filename}",
        session_id=session_id,
        shared_key=name,
        follow_paths=[filename, f"{filename}{IGNORE}", *other],
    )


def ignore_folder(session_id: str) -> State:
    """Return the ignore file of the context, in a local directory."""
    return local_folder(
        CONTEXT,
        f"[internal] load {IGNORE}",
        session_id=session_id,
        shared_key=f"{CONTEXT}-{IGNORE}",
        follow_paths=[IGNORE],
    )


def other_name(filename: str) -> str | None:
    """Return the name that is tried next: Dockerfile in lower case."""
    parent, name = posixpath.split(filename)
    return posixpath.join(parent, name.lower()) if name == DEFAULT_FILENAME else None


def foresee(request: Request, gateway: Gateway) -> None:
    """Have the daemon load what a build will ask for first, where that is plain to see.

    The daemon keeps what it loads while this process does other things, and answers at once when
    the build asks. What goes wrong here goes wrong there again, and is told there.
    """
    options = request.options
    if not options.keys().isdisjoint(_ELSEWHERE):
        return
    sessions = request.prefixed("local-sessionid:")
    filename = options.get("filename", DEFAULT_FILENAME)
    session = sessions.get(DOCKERFILE, request.session_id)
    with suppress(LLBError):
        if gateway.inputs():
            return
        loaded = gateway.solve(dockerfile_folder(filename, DOCKERFILE, session).marshal())
        ignore = ignore_folder(sessions.get(CONTEXT, request.session_id)).marshal()
        Thread(target=_load, args=(gateway, loaded, filename, ignore), daemon=True).start()


def _load(gateway: Gateway, loaded: Ref, filename: str, ignore: Definition) -> None:
    """Read the Dockerfile, and the ignore file that counts."""
    with suppress(LLBError):
        gateway.read_file(loaded, filename)
        try:
            gateway.read_file(loaded, f"{filename}{IGNORE}")
        except RemoteError as error:
            if is_not_found(error):
                gateway.read_file(gateway.solve(ignore), IGNORE)
