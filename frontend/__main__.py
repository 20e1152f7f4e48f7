"""Run the frontend for the daemon: ``python -m frontend [--labs]``."""

from __future__ import annotations

import sys

from llb.frontend import serve_dockerfile

_LABS = "--labs"


def main(arguments: list[str]) -> int:
    """Serve one build and return the exit status; 2 for unknown arguments."""
    if arguments not in ([], [_LABS]):
        sys.stderr.write(f"error: expected {_LABS} or nothing, got {' '.join(arguments)}\n")
        return 2
    return serve_dockerfile(labs=bool(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
