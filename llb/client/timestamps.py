"""Times in the messages of a daemon."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb.errors import TransportError

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp


def to_time(stamp: Timestamp) -> datetime:
    """Convert a timestamp, to the microsecond; raises TransportError outside the calendar."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except ValueError as error:
        reason = f"{stamp.seconds} seconds and {stamp.nanos} nanoseconds"
        raise TransportError(f"invalid time from the daemon: {reason}") from error
