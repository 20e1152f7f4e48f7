"""Times of a daemon are converted, or refused with one error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from llb._pb import control_pb2 as pb
from llb.client.timestamps import to_time
from llb.client.usage import from_record
from llb.errors import TransportError


def test_a_time_is_converted_to_the_microsecond() -> None:
    stamp = Timestamp(seconds=1_700_000_000, nanos=123_456_789)
    assert to_time(stamp) == datetime(2023, 11, 14, 22, 13, 20, 123_456, UTC)


@pytest.mark.parametrize(("seconds", "nanos"), [(2**63 - 1, 0), (-(2**63), 0), (0, -1)])
def test_a_time_outside_the_calendar_is_refused(seconds: int, nanos: int) -> None:
    stamp = Timestamp(seconds=seconds, nanos=nanos)
    message = f"invalid time from the daemon: {seconds} seconds and {nanos} nanoseconds"
    with pytest.raises(TransportError, match=message):
        to_time(stamp)
    with pytest.raises(TransportError, match=message):
        from_record(pb.UsageRecord(CreatedAt=stamp))
