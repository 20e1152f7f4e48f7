"""Run frontend programs in the process of a client instead of a container."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llb.arguments.checked import checked
from llb.errors import InputError
from llb.gateway.server import capture_served

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from llb.gateway import Gateway, Request, Result

    Function: TypeAlias = Callable[[Request, Gateway], Result]


@checked
def load(program: str | PathLike[str]) -> Function:
    """Load the function that a program serves, for ``Client.build`` to run as a frontend.

    Runs the program as its image would, up to :func:`llb.gateway.serve`. Raises the program's
    own exceptions, and InputError if it does not call ``serve``.
    """
    path = Path(program)
    if not path.is_file():
        raise InputError(f"no such program: {path}")
    folder = str(path.resolve().parent)
    with capture_served() as functions:
        sys.path.insert(0, folder)
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            if not functions and end.code not in (None, 0):
                raise InputError(
                    f"{path} exits with status {end.code} without serving a frontend"
                ) from end
    if not functions:
        raise InputError(
            f"{path} does not serve a frontend",
            hint="end the program with llb.gateway.serve(function)",
        )
    return functions[0]
