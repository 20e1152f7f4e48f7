"""Programs in Go."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from llb.recipes.steps import SOURCE, Kept, of_distribution, run
from llb.recipes.words import flag_words, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb import State

_PACKAGE = re.compile(r"[^-\s]\S*")
_MODULES = "/var/cache/recipes/go-modules"
_BUILT = "/var/cache/recipes/go-build"


def build(
    state: State,
    source: State,
    package: str = ".",
    *,
    output: str,
    flags: Iterable[str] = (),
) -> State:
    """Return the state with a program of ``source`` at the path ``output``.

    Runs ``go build`` as the state's user. The source is mounted and is no part of the
    result. ``package`` is one of it, ``./cmd/app``, and ``flags`` are further arguments,
    ``["-trimpath"]``.

    Modules and what was compiled are kept for other builds, so that a change compiles
    what it changes, and loads nothing: there is no step for the modules alone. What was
    compiled is kept apart for each distribution, as it may hold parts of C libraries,
    and both for each platform and user.
    """
    name = words([package], _PACKAGE, "package", example="./cmd/app")
    path = shlex.quote(posixpath.join(state.cwd, output))
    command = f"go build{flag_words(flags)} -o {path} {name}"
    return run(
        state,
        f"GOCACHE={of_distribution(_BUILT)} {command}",
        name=command,
        kept=[Kept("go-modules", _MODULES), Kept("go-build", _BUILT)],
        env={"GOMODCACHE": _MODULES},
        workdir=SOURCE,
        source=source,
    )
