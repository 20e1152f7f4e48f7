"""End a build script: print the definition of its state."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.arguments.checked import checked

with lazy_imports(__name__):
    from llb import dump  # 10 ms

if TYPE_CHECKING:
    from llb.state.state import State

IMAGE_CONFIG_FD = "LLB_IMAGE_CONFIG_FD"
"""Environment variable with which ``llb build`` requests the image config from a script."""

FAILED = 125
"""Exit status of a script whose error was already reported."""


@checked
def main(state: State) -> None:
    """Write the definition of ``state`` to standard output, or draw its graph on a terminal.

    In a pipe, the output is the definition that ``buildctl build`` and ``llb build -`` read. It
    differs between runs if the graph contains a local directory, because concurrent builds must not
    use each other's files.
    """
    if sys.stdout.isatty():
        sys.stdout.write(dump.tree(state.marshal()))
        return
    definition = state.marshal(local_unique_id=os.urandom(16).hex())
    descriptor = os.environ.get(IMAGE_CONFIG_FD)
    if descriptor is not None:
        with os.fdopen(int(descriptor), "wb") as pipe:
            pipe.write(state.image_config())
    sys.stdout.buffer.write(definition.to_bytes())
    sys.stdout.flush()
