"""The largest message that BuildKit accepts, and the error for a definition beyond it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb.errors import InvalidDefinitionError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

MESSAGE_LIMIT = 16 * 2**20
"""Bytes of a gRPC message (``util/defaults.DefaultMaxRecvMsgSize``)."""

# RESOURCE_EXHAUSTED of gRPC: a message is too large.
_TOO_LARGE = 8
_MIB = 2**20


@contextmanager
def sending(request: Message) -> Iterator[None]:
    """Send a request with definitions, unless it is too large.

    Raises InvalidDefinitionError if it has more than 16 MiB, or if the daemon refuses its size, as
    the BuildKit of an old Docker does from 4 MiB.
    """
    size = request.ByteSize()
    if size > MESSAGE_LIMIT:
        raise _too_large(size, f"BuildKit accepts {MESSAGE_LIMIT // _MIB} MiB")
    try:
        yield
    except RemoteError as error:
        if error.code == _TOO_LARGE and "received message larger than max" in error.message:
            raise _too_large(size, error.message) from error
        raise


def _too_large(size: int, reason: str) -> InvalidDefinitionError:
    return InvalidDefinitionError(
        f"the request with the definition has {size / _MIB:.1f} MiB: {reason}",
        hint="combine steps; pass large files as llb.Local or llb.client.Upload instead of writing "
        "their content",
    )
