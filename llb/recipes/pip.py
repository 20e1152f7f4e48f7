"""Install Python packages with pip."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Unpack

from llb import Scratch, StepOptions
from llb.arguments.checked import checked
from llb.errors import InvalidValueError
from llb.recipes.steps import SOURCE, CacheDirectory, per_distribution, run, unnamed
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

# pip parses requirements itself; an option must not pass as one.
_REQUIREMENT = re.compile(r"[^-\s][^\n\0]*")
_DIRECTORY = "/var/cache/recipes/pip"


@checked(options=StepOptions)
def install(
    state: State,
    *packages: str,
    requirements: str | None = None,
    source: State | None = None,
    flags: Iterable[str] = (),
    **options: Unpack[StepOptions],
) -> State:
    """Install Python packages: ``requests==2.32``.

    Runs ``pip install`` as the state's user. ``requirements`` is the path of a requirements
    file, in ``source`` or else in the state; only this file of ``source`` is used,
    so other changes of ``source`` do not run the installation again. ``flags`` are further
    arguments.

    Downloads and built wheels are cached for other builds and are not part of
    the image. Each distribution has its own cache, because a wheel does not record which
    libraries it was compiled with, and so has each platform and user.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    if requirements is None and source is not None:
        raise InvalidValueError(
            "source without requirements: expected the path of a requirements file in it",
            hint="for example requirements='requirements.txt'",
        )
    if requirements is None and not packages:
        raise InvalidValueError(
            "nothing to install: expected requirements or a requirements file",
            hint="for example 'requests==2.32', or requirements='requirements.txt'",
        )
    file, mounted = requirements, None
    if requirements is not None and source is not None:
        mounted = Scratch().copy(source, "/", src=requirements, wildcard=False, **unnamed(options))
        file = posixpath.join(SOURCE, posixpath.basename(requirements))
    arguments = [] if file is None else [f"-r {shlex.quote(file)}"]
    if packages:
        arguments.append(words(packages, _REQUIREMENT, "requirement", example="requests==2.32"))
    return run(
        state,
        f"pip install --cache-dir {per_distribution(_DIRECTORY)}"
        f"{flag_words(flags)} {' '.join(arguments)}",
        name=f"pip install {' '.join(arguments)}",
        caches=[CacheDirectory("pip", _DIRECTORY)],
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"},
        source=mounted,
        options=options,
    )
