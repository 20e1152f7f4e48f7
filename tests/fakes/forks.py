"""Run a function in the child of a fork."""

from __future__ import annotations

import os
import traceback
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def in_child(function: Callable[[], object]) -> None:
    """Run a function in a child of this process; raises AssertionError with its traceback."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork of a process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        failure = b""
        try:
            function()
        except BaseException:  # noqa: BLE001 - the parent raises it
            failure = traceback.format_exc().encode()
        os.write(writing, failure)
        # Nothing of the parent may run in the child, above all not the rest of the tests.
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        failure = stream.read()
    os.waitpid(pid, 0)
    assert not failure, failure.decode()
