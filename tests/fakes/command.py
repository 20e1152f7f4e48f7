"""The ``llb`` command, run in this process with streams of its own."""

from __future__ import annotations

import gc
import io
import signal
import sys
from typing import TYPE_CHECKING
from unittest import mock

from attrs import frozen

from llb.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@frozen
class Ran:
    """What came of a command: its exit status, and what it printed."""

    status: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.output.decode()


class _Stream(io.TextIOWrapper):
    """A stream whose bytes can be read after it was closed."""

    def __init__(self, data: bytes = b"") -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes, encoding="utf-8", newline="\n", write_through=True)

    def close(self) -> None:
        """Keep what was written."""
        self.flush()


def llb(*arguments: str | Path, stdin: bytes = b"") -> Ran:
    """Run a command line, as the program does."""
    given, output, errors = _Stream(stdin), _Stream(), _Stream()
    stop = signal.getsignal(signal.SIGTERM)
    with (
        mock.patch.object(sys, "argv", ["llb", *map(str, arguments)]),
        # By this click tells whether a program was started as a module.
        mock.patch.object(sys.modules["__main__"], "__package__", None),
        mock.patch.multiple(sys, stdin=given, stdout=output, stderr=errors),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
        finally:
            signal.signal(signal.SIGTERM, stop)
            gc.unfreeze()
    assert status is None or isinstance(status, int), status
    return Ran(status or 0, output.bytes.getvalue(), errors.bytes.getvalue().decode())
