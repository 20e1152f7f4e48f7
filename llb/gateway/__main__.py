"""The program of a frontend, run so that its user sees how it fails: ``python -m llb.gateway FILE``.

A daemon tells nobody what a frontend writes, and of one that ends without an answer just that it
did. What a program raises before it serves, as by an import, is therefore answered for it.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from llb.errors import InputError
from llb.gateway.server import hold_stdio, is_served, refuse


def main(arguments: list[str]) -> int:
    """Run the program, and return the exit status of the process."""
    if len(arguments) != 1:
        sys.stderr.write("error: expected the path of a program\n")
        return 2
    hold_stdio()
    (path,) = sys.argv = arguments
    sys.path[0] = str(Path(path).parent)
    status: object = 0
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        status = end.code
    # Whatever it raises, its user has to see.
    except BaseException as error:  # noqa: BLE001
        if not is_served():
            return refuse(error)
        # It has answered, and the answer of a failed process would be thrown away.
        sys.excepthook(type(error), error, error.__traceback__)
        return 0
    if not is_served():
        name = Path(path).name
        return refuse(
            InputError(
                f"the frontend {name} ended with the status {status or 0}, and answered nothing",
                hint="it has to end with llb.gateway.serve(function)",
            )
        )
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
