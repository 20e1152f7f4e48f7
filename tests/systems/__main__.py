"""Run a program whose ``llb`` sees another system.

``python -m tests.systems SYSTEM MODULE ARGUMENT…`` runs a module, and without one the unit tests of
that system. SYSTEM is darwin or windows. Nothing here replaces a look at the real one.
"""

from __future__ import annotations

import runpy
import sys

from tests.systems import darwin, selection, views, windows


def main(system: str, module: str = "pytest", *arguments: str) -> None:
    if system == "windows":
        windows.refuse_open_files()
    views.install({"darwin": darwin.DARWIN, "windows": windows.WINDOWS}[system])
    sys.argv[1:] = arguments or (selection.arguments(system) if module == "pytest" else ())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
