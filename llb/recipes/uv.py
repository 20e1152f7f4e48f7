"""Install Python projects with uv."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import CacheDirectory, per_distribution, process_user, run, unnamed
from llb.recipes.words import flag_words, option_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

# Names of groups and extras: pyproject.toml specification.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_DIRECTORY = "/var/cache/recipes/uv"
_LOCK = ("uv.lock", "uv.toml", ".python-version", "**/pyproject.toml")
_ENVIRONMENT = ("**/.venv",)


@checked(options=StepOptions)
def sync(
    state: State,
    source: State,
    *,
    groups: Iterable[str] = (),
    extras: Iterable[str] = (),
    dev: bool = True,
    frozen: bool = False,
    flags: Iterable[str] = (),
    **options: Unpack[StepOptions],
) -> State:
    """Install a project in the working directory, with its dependencies in ``.venv``.

    Runs ``uv sync --no-install-workspace`` with only the lock file and the pyproject.toml files
    of ``source``, copies the other files, and runs ``uv sync``, as the state's user. A change
    of other files installs only the project again, not its dependencies. Members of a
    workspace belong to the project; other packages of ``source`` that it refers to by path
    are missing in the first run.

    ``groups`` and ``extras`` are installed too, and the group ``dev`` unless it is off.
    An outdated lock file fails the build, unless ``frozen`` uses it
    unchecked. ``flags`` are further arguments of both runs.

    Downloads and built packages are cached for other builds and are not part of the image; files
    are copied from the cache. Each distribution, platform and user has its own cache.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    selected = (
        option_words("--group", groups, _NAME, example="['docs']")
        + option_words("--extra", extras, _NAME, example="['http2']")
        + ("" if dev else " --no-dev")
        + flag_words(flags)
    )
    # Without the other members of a workspace uv cannot check whether its lock is up to date.
    first = f"uv sync --frozen --no-install-workspace{selected}"
    second = f"uv sync {'--frozen' if frozen else '--locked'}{selected}"
    owner = process_user(state) or None
    copied = unnamed(options)
    locked = state.copy(source, "./", include=_LOCK, exclude=_ENVIRONMENT, owner=owner, **copied)
    installed = _run(locked, first, options)
    whole = installed.copy(source, "./", exclude=_ENVIRONMENT, owner=owner, **copied)
    return _run(whole, second, options)


def _run(state: State, command: str, options: StepOptions) -> State:
    return run(
        state,
        f"UV_CACHE_DIR={per_distribution(_DIRECTORY)} {command}",
        name=command,
        caches=[CacheDirectory("uv", _DIRECTORY)],
        # The cache is on another file system, so hard links are impossible.
        env={"UV_LINK_MODE": "copy"},
        options=options,
    )
