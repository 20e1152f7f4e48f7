"""Run the ``llb`` command as ``python -m llb``."""

from __future__ import annotations

from llb.cli import main

if __name__ == "__main__":
    main()
