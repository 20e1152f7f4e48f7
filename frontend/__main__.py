"""Run the frontend for the daemon: ``python -m frontend``."""

from __future__ import annotations

import sys

from llb.frontend import serve_dockerfile


def main(arguments: list[str]) -> int:
    """Serve one build and return the exit status; 2 if there are arguments."""
    if arguments:
        sys.stderr.write(f"error: expected no arguments, got {' '.join(arguments)}\n")
        return 2
    return serve_dockerfile()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
