"""Load local directories of the client: the build definition, .dockerignore and contexts.

Progress shows each step under the name that BuildKit's own frontend uses.
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
    """Load a local directory, or the named part of it, in a step called ``label``."""
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
    """Load the Dockerfile and its ignore file from a local directory."""
    fallbacks = [] if (fallback := fallback_name(filename)) is None else [fallback]
    return local_folder(
        name,
        f"[internal] load build definition from {filename}",
        session_id=session_id,
        shared_key=name,
        follow_paths=[filename, f"{filename}{IGNORE}", *fallbacks],
    )


def ignore_folder(session_id: str) -> State:
    """Load the ignore file of the context from a local directory."""
    return local_folder(
        CONTEXT,
        f"[internal] load {IGNORE}",
        session_id=session_id,
        shared_key=f"{CONTEXT}-{IGNORE}",
        follow_paths=[IGNORE],
    )


def fallback_name(filename: str) -> str | None:
    """Get the fallback for a missing Dockerfile: its name in lower case."""
    parent, name = posixpath.split(filename)
    return posixpath.join(parent, name.lower()) if name == DEFAULT_FILENAME else None
