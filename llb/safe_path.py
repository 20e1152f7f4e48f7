"""``python -m llb`` without the modules of the working directory.

``python -m`` puts the working directory first on ``sys.path``, and that is often a repository that
nobody has read yet. What Python imports before this package, and a package ``llb`` in there, still
come from it; the program ``llb`` and ``python -P -m llb`` have no such gap. So that nothing else
comes from there, this module imports what is built into Python alone.
"""

import sys


def leave_working_directory() -> None:
    """Take the working directory off ``sys.path`` where ``python -m llb`` has put it there."""
    # While it looks for the module, Python has "-m" in the place of the program's name.
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path:
        return
    name = sys.orig_argv[-len(sys.argv)]
    if name == "llb" or (name.startswith("-") and name.endswith("mllb")):
        del sys.path[0]
