"""Files of the command line, where ``-`` names standard input or output."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llb.atomic_write import write_whole
from llb.errors import InputError

STANDARD_STREAM = "-"


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
        write_whole(name, text.encode())
