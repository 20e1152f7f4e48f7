"""Install Alpine packages with apk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import CacheDirectory, run
from llb.recipes.words import words

if TYPE_CHECKING:
    from llb import State

# A name, an optional tagged repository, an optional version: apk-world(5).
_PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:/-]*(@[a-z0-9_.-]+)?((=~?|[<>]=?|~=?)[\w.+-]+)?")


@checked(options=StepOptions)
def add(state: State, *packages: str, **options: Unpack[StepOptions]) -> State:
    """Install Alpine packages: ``git``, ``py3-pip>24``.

    Runs ``apk add --update-cache`` as root. The index and the downloaded packages are
    cached for other builds, in ``/etc/apk/cache``, the directory that makes apk keep
    them (apk-cache(5)), and are not part of the image. Each platform has its own cache.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    names = words(packages, _PACKAGE, "Alpine package", example="git, or py3-pip>24")
    return run(
        state,
        f"apk add --update-cache {names}",
        name=f"apk add {names}",
        # apk's lock is in the image, where other builds do not see it.
        caches=[CacheDirectory("apk", "/etc/apk/cache", "locked")],
        user="root",
        options=options,
    )
