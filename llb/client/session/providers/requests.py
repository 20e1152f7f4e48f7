"""Decode the messages that a daemon sends to the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError, Message

from llb.errors import RemoteError
from llb.grpc.status import Code

if TYPE_CHECKING:
    from llb.grpc import ServerCall

M_ = TypeVar("M_", bound=Message)


def receive(call: ServerCall, kind: type[M_]) -> M_:
    """Receive the request of a call; without one it is empty. Raises RemoteError if malformed."""
    return parse(call.receive() or b"", kind)


def parse(data: bytes, kind: type[M_]) -> M_:
    """Decode a message. Raises RemoteError, with the status of a gRPC server, if it is malformed."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        name = kind.DESCRIPTOR.name
        raise RemoteError(f"the request is not a valid {name}", code=Code.INTERNAL) from error
