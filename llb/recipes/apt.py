"""Install packages of Debian and its derivatives with apt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import CacheDirectory, per_distribution, run
from llb.recipes.words import words

if TYPE_CHECKING:
    from llb import State

# A name, an optional architecture, an optional version or release: apt-get(8). A name that ends
# in `-` would remove a package, and one that starts with it would be an option.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?([=/][A-Za-z0-9.+:~*-]+)?")
_DIRECTORY = "/var/cache/recipes/apt"


@checked(options=StepOptions)
def install(
    state: State, *packages: str, recommends: bool = False, **options: Unpack[StepOptions]
) -> State:
    """Install Debian packages: ``git``, ``curl=7.88*``.

    Runs ``apt-get update`` and ``apt-get install`` as root, without recommended packages
    unless ``recommends``. The package lists and the downloaded packages are cached for other
    builds and are not part of the image; each distribution and platform has its own cache.
    The commands get the cache directories as options, so the image's ``docker-clean``, which
    removes packages from apt's usual directory, stays in place.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    names = words(packages, _PACKAGE, "Debian package", example="git, or git=1:2.47*")
    recommended = "" if recommends else "--no-install-recommends "
    script = (
        "set -e\n"
        f"kept={per_distribution(_DIRECTORY)}\n"
        'mkdir -p "$kept/archives/partial" "$kept/lists/partial"\n'
        # A list that cannot be downloaded is an error, because the cache may have an old one.
        'set -- -qy -o APT::Update::Error-Mode=any -o Dir::Cache="$kept"'
        ' -o Dir::State::Lists="$kept/lists"\n'
        'apt-get "$@" update\n'
        f'apt-get "$@" install {recommended}{names}'
    )
    return run(
        state,
        script,
        name=f"apt-get install {names}",
        # apt locks both of its directories, and fails if another process holds the locks.
        caches=[CacheDirectory("apt", _DIRECTORY, "locked")],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        user="root",
        options=options,
    )
