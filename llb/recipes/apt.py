"""Debian's packages, and those of what stands on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.recipes.steps import Kept, of_distribution, run
from llb.recipes.words import words

if TYPE_CHECKING:
    from llb import State

# A name, an architecture, a version or a release: apt-get(8). A name that ends in `-` would
# remove a package, and one that begins so would be an option.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?([=/][A-Za-z0-9.+:~*-]+)?")
_DIRECTORY = "/var/cache/recipes/apt"


def install(state: State, *packages: str, recommends: bool = False) -> State:
    """Return the state with Debian packages installed: ``git``, ``curl=7.88*``.

    Runs, as root, ``apt-get update`` and ``apt-get install``, without the packages that
    are just recommended unless ``recommends``. The lists and the packages that were
    loaded are kept for other builds and are no part of the image; distributions and
    platforms have their own. apt is told where they are, so that the image's
    ``docker-clean``, which removes packages from apt's usual place, is left as it is.
    """
    names = words(packages, _PACKAGE, "Debian package", example="git, or git=1:2.47*")
    recommended = "" if recommends else "--no-install-recommends "
    script = (
        "set -e\n"
        f"kept={of_distribution(_DIRECTORY)}\n"
        'mkdir -p "$kept/archives/partial" "$kept/lists/partial"\n'
        # A list that cannot be loaded is a failure, as an old one may be among the kept.
        'set -- -qy -o APT::Update::Error-Mode=any -o Dir::Cache="$kept"'
        ' -o Dir::State::Lists="$kept/lists"\n'
        'apt-get "$@" update\n'
        f'apt-get "$@" install {recommended}{names}'
    )
    return run(
        state,
        script,
        name=f"apt-get install {names}",
        # apt takes locks on both of its directories, and fails where another one has them.
        kept=[Kept("apt", _DIRECTORY, "locked")],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        user="root",
    )
