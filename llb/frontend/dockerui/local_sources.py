"""Local directories of the client: the steps that load them, and those that every build begins with.

Progress shows each step under the name that BuildKit's own frontend gives it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from llb import Local

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

DEFAULT_FILENAME = "Dockerfile"
IGNORE = ".dockerignore"
CONTEXT = "context"
DOCKERFILE = "dockerfile"


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
