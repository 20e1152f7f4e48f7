"""A step of a recipe: a script, the caches that it keeps, and the source that it works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb import Scratch, bind, cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb import State

SOURCE = "/src"
"""Where a step finds the source that is mounted for it."""

_ROOT = ("", "root", "0")


@frozen
class Kept:
    """A directory that the daemon keeps between builds: its name, where it is, who may share it."""

    name: str
    target: str
    sharing: str = "shared"


def run(
    state: State,
    script: str,
    *,
    name: str,
    kept: Iterable[Kept],
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    workdir: str | None = None,
    source: State | None = None,
) -> State:
    """Return the state after a script of its shell, shown as ``name``.

    ``source`` is mounted at :data:`SOURCE`, to be read.
    """
    owner = user_of(state) if user is None else _unless_root(user)
    # What a new cache starts with says who may write to it; without that only root may.
    new = Scratch().mkdir("/new", mode=0o777) if owner else None
    caches = [
        cache(
            each.target,
            id=_id(each.name, state, owner),
            sharing=each.sharing,
            source=new,
            path="/new" if owner else "",
        )
        for each in kept
    ]
    sources = [] if source is None else [bind(source, SOURCE, readonly=True)]
    return state.run(
        script, env=env, user=user, workdir=workdir, mounts=[*caches, *sources], name=name
    )


def user_of(state: State) -> str:
    """Return the user whom processes of the state run as, empty for root."""
    return _unless_root(state.settings.process.user)


def of_distribution(directory: str) -> str:
    """Return a word of a script: a directory below another one, of the distribution it runs in.

    It is for what another distribution must not find, as programs that were compiled
    with other libraries. The distribution says who it is in os-release(5).
    """
    release = "/etc/os-release"
    return f'{directory}/"$(test ! -e {release} || . {release}; echo "$ID-$VERSION_ID")"'


def _unless_root(user: str) -> str:
    """Return ``user[:group]``, empty for root."""
    return "" if user.partition(":")[0] in _ROOT else user


def _id(name: str, state: State, user: str) -> str:
    """Return the name of a cache of one platform and one user."""
    platform = state.settings.platform
    return " ".join(["recipes", name, *([] if platform is None else [str(platform)]), user]).strip()
