"""Run a frontend's program and report how it fails: ``python -m llb.gateway FILE``.

The daemon discards what a frontend prints, and for one that ends without an answer it reports
only that. This module therefore sends the daemon whatever the program raises before it serves,
for example an ImportError.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from llb.errors import InputError
from llb.gateway.server import claim_stdio, is_served, refuse


def main(arguments: list[str]) -> int:
    """Run the program and return the exit status of the process."""
    if len(arguments) != 1:
        sys.stderr.write("error: expected the path of a program\n")
        return 2
    claim_stdio()
    (path,) = sys.argv = arguments
    sys.path[0] = str(Path(path).parent)
    status: object = 0
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        status = end.code
    # The user has to see every exception.
    except BaseException as error:  # noqa: BLE001
        if not is_served():
            return refuse(error)
        # The frontend has answered, and the daemon discards the answer of a failed process.
        sys.excepthook(type(error), error, error.__traceback__)
        return 0
    if not is_served():
        name = Path(path).name
        return refuse(
            InputError(
                f"the frontend {name} exited with status {status or 0} without an answer",
                hint="end the program with llb.gateway.serve(function)",
            )
        )
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
