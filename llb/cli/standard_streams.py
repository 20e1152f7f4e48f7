"""Files of the command line, where ``-`` names standard input or output."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llb._lazy import lazy_imports
from llb.errors import InputError

with lazy_imports(__name__):
    from llb.local_files import atomic_write  # 4 ms

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD_STREAM = "-"


class _Diagnostics(io.FileIO):
    """Standard error: a build does not fail because nobody can read its progress."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the data if possible; wait for a slow reader."""
        try:
            while (written := super().write(data)) is None:
                # The stream does not block, because another process has set that.
                select.select([], [self.fileno()], [])
        except OSError:
            return memoryview(data).nbytes
        return written


def prepare() -> None:
    """Make the standard streams usable in the states in which a parent process may leave them.

    Standard error may be full or closed. Writing to a closed standard output is an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Otherwise the next file that is opened would be the standard stream.
            os.dup2(os.open(os.devnull, os.O_RDONLY), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    try:
        number = sys.stderr.fileno()
    except OSError:
        # A program that runs the command in its own process captures the output.
        return
    buffer = io.BufferedWriter(_Diagnostics(number, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(
        buffer, encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True
    )


def discard_output() -> None:
    """Discard what standard output has not written, so that Python does not try it again at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_input(name: str) -> bytes:
    """Read a file, or standard input. Raises InputError."""
    if name == STANDARD_STREAM:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read {name}: {reason}") from error


def write_output(name: str, text: str) -> None:
    """Write a file, or to standard output. Raises InputError."""
    if name == STANDARD_STREAM:
        click.echo(text, nl=False)
    else:
        atomic_write.write_whole(name, text.encode())
