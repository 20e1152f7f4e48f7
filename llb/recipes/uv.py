"""Projects of Python, by uv."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.recipes.steps import Kept, of_distribution, run, user_of
from llb.recipes.words import flag_words, option_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

# Names of groups and extras: pyproject.toml specification.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DIRECTORY = "/var/cache/recipes/uv"
_LOCK = ("uv.lock", "uv.toml", ".python-version", "**/pyproject.toml")
_ENVIRONMENT = ("**/.venv",)


def sync(
    state: State,
    source: State,
    *,
    groups: Iterable[str] = (),
    extras: Iterable[str] = (),
    dev: bool = True,
    frozen: bool = False,
    flags: Iterable[str] = (),
) -> State:
    """Return the state with a project in its directory, and ``.venv`` with what it depends on.

    Runs ``uv sync --no-install-workspace`` with the lock file and the pyproject.toml of
    ``source`` alone, copies the rest, and runs ``uv sync``, as the state's user. A change
    of anything else installs the project anew, and not what it depends on. Members of a
    workspace belong to the project; other packages of ``source`` that it names by their
    paths are not there for the first run.

    ``groups`` and ``extras`` are installed too, the group ``dev`` unless it is off.
    A lock file that is not up to date fails the build, unless it is ``frozen`` and taken
    as it is. ``flags`` are further arguments of both runs.

    What uv loads and builds is kept for other builds and is no part of the image; files
    are copied from there. Distributions, platforms and users have their own.
    """
    chosen = (
        option_words("--group", groups, _NAME, example="['docs']")
        + option_words("--extra", extras, _NAME, example="['http2']")
        + ("" if dev else " --no-dev")
        + flag_words(flags)
    )
    # Without the other members of a workspace uv cannot tell whether its lock is up to date.
    first = f"uv sync --frozen --no-install-workspace{chosen}"
    second = f"uv sync {'--frozen' if frozen else '--locked'}{chosen}"
    owner = user_of(state) or None
    locked = state.copy(source, "./", include=_LOCK, exclude=_ENVIRONMENT, owner=owner)
    whole = _run(locked, first).copy(source, "./", exclude=_ENVIRONMENT, owner=owner)
    return _run(whole, second)


def _run(state: State, command: str) -> State:
    return run(
        state,
        f"UV_CACHE_DIR={of_distribution(_DIRECTORY)} {command}",
        name=command,
        kept=[Kept("uv", _DIRECTORY)],
        # The cache is on another file system, from which nothing can be linked.
        env={"UV_LINK_MODE": "copy"},
    )
