"""Projects of JavaScript, by npm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.recipes.steps import Kept, run, user_of
from llb.recipes.words import option_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_KIND = re.compile("dev|optional|peer")
_DIRECTORY = "/var/cache/recipes/npm"
_LOCK = ("package-lock.json", "npm-shrinkwrap.json", ".npmrc", "**/package.json")
_MODULES = ("**/node_modules",)


def ci(
    state: State,
    source: State,
    *,
    omit: Iterable[str] = (),
    scripts: bool = True,
) -> State:
    """Return the state with a project in its directory, and ``node_modules`` from its lock file.

    Runs ``npm ci`` with the lock file, the package.json files and the .npmrc of
    ``source`` alone, as the state's user, and copies the rest then. A change of anything
    else installs nothing anew. ``omit`` leaves out dependencies: ``dev``, ``optional``,
    ``peer``.

    With ``scripts`` the packages' install scripts are run, and with them the project's
    own, which the rest of ``source`` is not there for.

    What npm loads is kept for other builds and is no part of the image. It is the same
    on every distribution; platforms and users have their own.
    """
    command = "npm ci --no-audit --no-fund" + option_words("--omit", omit, _KIND, example="['dev']")
    command += "" if scripts else " --ignore-scripts"
    owner = user_of(state) or None
    locked = state.copy(source, "./", include=_LOCK, exclude=_MODULES, owner=owner)
    installed = run(
        locked,
        f"{command} --cache {_DIRECTORY}",
        name=command,
        kept=[Kept("npm", _DIRECTORY)],
    )
    return installed.copy(source, "./", exclude=_MODULES, owner=owner)
