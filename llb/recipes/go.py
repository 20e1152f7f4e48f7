"""Build Go programs."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Unpack

from llb import StepOptions
from llb.arguments.checked import checked
from llb.recipes.steps import SOURCE, CacheDirectory, absolute, per_distribution, run
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_PACKAGE = re.compile(r"[^-\s]\S*")
_MODULES = "/var/cache/recipes/go-modules"
_BUILT = "/var/cache/recipes/go-build"


@checked(options=StepOptions)
def build(
    state: State,
    source: State,
    package: str = ".",
    *,
    output: str,
    flags: Iterable[str] = (),
    **options: Unpack[StepOptions],
) -> State:
    """Build a program of ``source`` at the path ``output``.

    Runs ``go build`` as the state's user. The source is mounted and is not part of the
    result. ``package`` is one of its packages, like ``./cmd/app``, and ``flags`` are further
    arguments, like ``["-trimpath"]``.

    Modules and compiled code are cached for other builds, so a change recompiles only
    what it affects, and downloads nothing: modules need no separate step. There is a separate
    cache of compiled code for each distribution, because it may contain parts of C libraries,
    and separate caches for each platform and user.

    ``options`` are those of the recipe's steps (:class:`llb.StepOptions`).
    """
    name = words([package], _PACKAGE, "package", example="./cmd/app")
    path = shlex.quote(absolute(state, output))
    command = f"go build{flag_words(flags)} -o {path} {name}"
    return run(
        state,
        f"GOCACHE={per_distribution(_BUILT)} {command}",
        name=command,
        caches=[CacheDirectory("go-modules", _MODULES), CacheDirectory("go-build", _BUILT)],
        env={"GOMODCACHE": _MODULES},
        workdir=SOURCE,
        source=source,
        options=options,
    )
