"""Install JavaScript projects with npm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import CacheDirectory, process_user, run, unnamed
from llb.recipes.words import option_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_KIND = re.compile("dev|optional|peer")
_DIRECTORY = "/var/cache/recipes/npm"
_LOCK = ("package-lock.json", "npm-shrinkwrap.json", ".npmrc", "**/package.json")
_MODULES = ("**/node_modules",)


@checked(options=StepOptions)
def ci(
    state: State,
    source: State,
    *,
    omit: Iterable[str] = (),
    scripts: bool = True,
    **options: Unpack[StepOptions],
) -> State:
    """Install a project in the working directory, with ``node_modules`` from its lock file.

    Runs ``npm ci`` with only the lock file, the package.json files and the .npmrc of
    ``source``, as the state's user, and then copies the other files. A change of those
    does not run the installation again. ``omit`` leaves out dependencies: ``dev``, ``optional``,
    ``peer``.

    With ``scripts`` the install scripts of the packages run, and those of the project
    itself, although the other files of ``source`` are not there yet.

    Downloads of npm are cached for other builds and are not part of the image. The cache is the
    same for every distribution; each platform and user has its own.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    command = "npm ci --no-audit --no-fund" + option_words("--omit", omit, _KIND, example="['dev']")
    command += "" if scripts else " --ignore-scripts"
    owner = process_user(state) or None
    copied = unnamed(options)
    locked = state.copy(source, "./", include=_LOCK, exclude=_MODULES, owner=owner, **copied)
    installed = run(
        locked,
        f"{command} --cache {_DIRECTORY}",
        name=command,
        caches=[CacheDirectory("npm", _DIRECTORY)],
        options=options,
    )
    return installed.copy(source, "./", exclude=_MODULES, owner=owner, **copied)
