"""Run the ``llb`` command in this process with captured streams."""

from __future__ import annotations

import gc
import io
import sys
from typing import TYPE_CHECKING
from unittest import mock

from attrs import frozen

from llb.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@frozen
class CommandResult:
    """The exit status and output of a command."""

    status: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """Standard output as a string."""
        return self.output.decode()


class _Stream(io.TextIOWrapper):
    """A stream whose bytes can still be read after it is closed."""

    def __init__(self, data: bytes = b"") -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes, encoding="utf-8", newline="\n", write_through=True)

    def close(self) -> None:
        """Flush, but keep the bytes."""
        self.flush()


def llb(*arguments: str | Path, stdin: bytes = b"") -> CommandResult:
    """Run a command line as the program does."""
    standard_input, output, errors = _Stream(stdin), _Stream(), _Stream()
    with (
        mock.patch.object(sys, "argv", ["llb", *map(str, arguments)]),
        # click uses it to detect programs that were started with `python -m`.
        mock.patch.object(sys.modules["__main__"], "__package__", None),
        # Signals are handled for the rest of a process.
        mock.patch("llb.cli.signals.handle"),
        mock.patch.multiple(sys, stdin=standard_input, stdout=output, stderr=errors),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
        finally:
            gc.unfreeze()
    assert status is None or isinstance(status, int), status
    return CommandResult(status or 0, output.bytes.getvalue(), errors.bytes.getvalue().decode())
