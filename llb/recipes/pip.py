"""Python's packages, by pip."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from llb import Scratch
from llb.errors import InvalidValueError
from llb.recipes.steps import SOURCE, Kept, of_distribution, run
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

# pip reads requirements itself; what it must not take for one is an option.
_REQUIREMENT = re.compile(r"[^-\s][^\n\0]*")
_DIRECTORY = "/var/cache/recipes/pip"


def install(
    state: State,
    *packages: str,
    requirements: str | None = None,
    source: State | None = None,
    flags: Iterable[str] = (),
) -> State:
    """Return the state with Python packages installed: ``requests==2.32``.

    Runs ``pip install`` as the state's user. ``requirements`` is the path of a file of
    requirements, in ``source`` or else in the state; nothing but this file is looked at,
    so that another change of ``source`` installs nothing anew. ``flags`` are further
    arguments.

    What pip loads and the wheels it builds are kept for other builds and are no part of
    the image. Distributions have their own, as a wheel does not say which libraries it
    was compiled with, and so have platforms and users.
    """
    if requirements is None and source is not None:
        raise InvalidValueError(
            "source is given without a file of requirements in it",
            hint="for example requirements='requirements.txt'",
        )
    if requirements is None and not packages:
        raise InvalidValueError(
            "nothing to install: neither a requirement nor a file of requirements is given",
            hint="for example 'requests==2.32', or requirements='requirements.txt'",
        )
    file, mounted = requirements, None
    if requirements is not None and source is not None:
        mounted = Scratch().copy(source, "/", src=requirements, wildcard=False)
        file = posixpath.join(SOURCE, posixpath.basename(requirements))
    what = [] if file is None else [f"-r {shlex.quote(file)}"]
    if packages:
        what.append(words(packages, _REQUIREMENT, "requirement", example="requests==2.32"))
    return run(
        state,
        f"pip install --cache-dir {of_distribution(_DIRECTORY)}"
        f"{flag_words(flags)} {' '.join(what)}",
        name=f"pip install {' '.join(what)}",
        kept=[Kept("pip", _DIRECTORY)],
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"},
        source=mounted,
    )
