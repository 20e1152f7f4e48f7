"""Alpine's packages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.recipes.steps import Kept, run
from llb.recipes.words import words

if TYPE_CHECKING:
    from llb import State

# A name, a tagged repository, a version: apk-world(5).
_PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:/-]*(@[a-z0-9_.-]+)?((=~?|[<>]=?|~=?)[\w.+-]+)?")


def add(state: State, *packages: str) -> State:
    """Return the state with Alpine packages installed: ``git``, ``py3-pip>24``.

    Runs ``apk add --update-cache`` as root. The index and the packages that were loaded
    are kept for other builds, in ``/etc/apk/cache``, the directory that makes apk keep
    them (apk-cache(5)), and are no part of the image. Platforms have their own.
    """
    names = words(packages, _PACKAGE, "Alpine package", example="git, or py3-pip>24")
    return run(
        state,
        f"apk add --update-cache {names}",
        name=f"apk add {names}",
        # apk's lock is in the image, where other builds do not see it.
        kept=[Kept("apk", "/etc/apk/cache", "locked")],
        user="root",
    )
