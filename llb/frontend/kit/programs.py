"""Frontends as programs, run in the process of a client instead of a container."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llb.errors import InputError
from llb.gateway.serve import capture_served

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from llb.gateway import Gateway, Request, Result

    Function: TypeAlias = Callable[[Request, Gateway], Result]


def load(program: str | PathLike[str]) -> Function:
    """Return the function that a program serves, which ``Client.build`` runs as a frontend.

    The program is run as it would be in its image, up to :func:`llb.gateway.serve`. Raises what
    it raises, and InputError for one that does not get there.
    """
    path = Path(program)
    if not path.is_file():
        raise InputError(f"there is no program {path}")
    folder = str(path.resolve().parent)
    with capture_served() as found:
        sys.path.insert(0, folder)
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if not found and end.code not in (None, 0):
                raise InputError(f"{path} exits with {end.code}, and serves nothing") from end
    if not found:
        raise InputError(
            f"{path} serves nothing", hint="it has to end with llb.gateway.serve(function)"
        )
    return found[0]
