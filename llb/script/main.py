"""The last line of a build script: print what it builds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llb.state.state import State

IMAGE_CONFIG_FD = "LLB_IMAGE_CONFIG_FD"
"""The variable with which ``llb build`` asks a script for the image config as well."""

FAILED = 125
"""The exit status of a script whose mistake has been told."""


def main(state: State) -> None:
    """Write the definition of ``state`` to standard output, or draw it on a terminal.

    In a pipe these are the bytes that ``buildctl build`` and ``llb build -``
    read. They differ from run to run where the graph holds a local directory,
    because concurrent builds must not take each other's files.
    """
    if sys.stdout.isatty():
        # What draws takes 6 ms to import, and a script in a pipe draws nothing.
        from llb import dump  # noqa: PLC0415

        sys.stdout.write(dump.tree(state.marshal()))
        return
    definition = state.marshal(local_unique_id=os.urandom(16).hex())
    descriptor = os.environ.get(IMAGE_CONFIG_FD)
    if descriptor is not None:
        with os.fdopen(int(descriptor), "wb") as pipe:
            pipe.write(state.image_config())
    sys.stdout.buffer.write(definition.to_bytes())
    sys.stdout.flush()
