"""Keep modules of the working directory out of ``python -m llb``.

``python -m`` puts the working directory first on ``sys.path``, and that is often a repository that
nobody has reviewed yet. Modules that Python imports before this package, and a package named
``llb`` in that directory, are still loaded from it; the program ``llb`` and ``python -P -m llb`` do
not have this gap. To load nothing else from there, this module imports only modules that are built
into Python.
"""

import sys


def leave_working_directory() -> None:
    """Remove the working directory from ``sys.path`` if ``python -m llb`` put it there."""
    # While Python looks for the module, sys.argv[0] is "-m" instead of the program's name.
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path:
        return
    name = sys.orig_argv[-len(sys.argv)]
    if name == "llb" or (name.startswith("-") and name.endswith("mllb")):
        del sys.path[0]
