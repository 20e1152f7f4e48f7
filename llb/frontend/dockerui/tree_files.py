"""Read files of trees on the daemon, up to the size that Docker's frontend reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.errors import InputError, RemoteError
from llb.gateway import is_not_found

if TYPE_CHECKING:
    from llb.gateway import Gateway, Ref

LARGEST_FILE = 16 * 1024 * 1024
"""The size in bytes of the largest Dockerfile, ignore file or archive that is read."""


def read(gateway: Gateway, ref: Ref, path: str) -> bytes:
    """Read a file. Raises RemoteError if it is missing, and InputError if it is too large."""
    content = gateway.read_file(ref, path, length=LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"{path} exceeds maximum allowed size of {LARGEST_FILE} bytes")
    return content


def find(gateway: Gateway, ref: Ref, path: str) -> bytes | None:
    """Read a file; None if it is missing. Raises InputError if it is too large."""
    try:
        return read(gateway, ref, path)
    except RemoteError as error:
        if is_not_found(error):
            return None
        raise
