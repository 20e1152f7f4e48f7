"""Run the step of a recipe: a script with its caches and its source."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from llb import Scratch, bind, cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import State, StepOptions

SOURCE = "/src"
"""The mount point of the source of a step."""

_ROOT_USER = "0"
_ROOT = ("", "root", _ROOT_USER)


@frozen
class CacheDirectory:
    """A cache directory: its name, its mount point, and its sharing mode."""

    name: str
    target: str
    sharing: Literal["shared", "private", "locked"] = "shared"


def run(
    state: State,
    script: str,
    *,
    name: str,
    caches: Iterable[CacheDirectory],
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    workdir: str | None = None,
    source: State | None = None,
    options: StepOptions,
) -> State:
    """Run a script in the shell of the state, shown as ``name`` unless the options have another.

    The user is that of the state, or root: that of an image which is not resolved is not used.
    ``source`` is mounted read-only at :data:`SOURCE`.
    """
    if user is None and state.settings.process.base is not None:
        # The caches are chosen before the user of the image is known.
        user = state.settings.process.user or _ROOT_USER
    owner = process_user(state) if user is None else _unless_root(user)
    # The initial content of a cache sets its permissions; without it only root can write.
    initial = Scratch().mkdir("/new", mode=0o777, **unnamed(options)) if owner else None
    cache_mounts = [
        cache(
            directory.target,
            id=_id(directory.name, state, owner),
            sharing=directory.sharing,
            source=initial,
            path="/new" if owner else "",
        )
        for directory in caches
    ]
    sources = [] if source is None else [bind(source, SOURCE, readonly=True)]
    named: StepOptions = {"name": name, **options}
    return state.run(
        script, env=env, user=user, workdir=workdir, mounts=[*cache_mounts, *sources], **named
    )


def unnamed(options: StepOptions) -> StepOptions:
    """Build the options of a recipe's further steps: a name is that of its command."""
    others = options.copy()
    others.pop("name", None)
    return others


def absolute(state: State, path: str) -> str:
    """Resolve a path against the working directory of the state.

    Raises InvalidValueError if that is the one of an image that is not resolved.
    """
    return path if path.startswith("/") else posixpath.join(state.cwd, path)


def process_user(state: State) -> str:
    """Get the user that processes of the state run as, empty for root."""
    return _unless_root(state.settings.process.user)


def per_distribution(directory: str) -> str:
    """Build a shell word for a subdirectory named after the distribution that the script runs in.

    It separates files that other distributions must not use, such as programs compiled
    with other libraries. The name comes from os-release(5).
    """
    release = "/etc/os-release"
    return f'{directory}/"$(test ! -e {release} || . {release}; echo "$ID-$VERSION_ID")"'


def _unless_root(user: str) -> str:
    """Normalize ``user[:group]``: empty for root."""
    return "" if user.partition(":")[0] in _ROOT else user


def _id(name: str, state: State, user: str) -> str:
    """Build the ID of a cache for one platform and one user."""
    platform = state.settings.platform
    return " ".join(["recipes", name, *([] if platform is None else [str(platform)]), user]).strip()
