"""The messages of a session equal those that protobuf encodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb._pb import control_pb2
from llb.client.connect.session_pipe import _decode, _encode
from llb.errors import TransportError


@given(st.binary(min_size=1, max_size=100_000))
def test_pieces_are_bytes_messages(data: bytes) -> None:
    message = control_pb2.BytesMessage(data=data).SerializeToString()
    assert _encode(data) == message
    assert _decode(message) == data


@pytest.mark.parametrize("message", [b"\x12\x01a", b"\x0a\x05a", b"\x0a\x01ab"])
def test_other_messages_are_refused(message: bytes) -> None:
    with pytest.raises(TransportError):
        _decode(message)


def test_an_empty_message_is_an_empty_piece() -> None:
    assert _decode(b"") == b""
