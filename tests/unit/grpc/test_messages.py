"""Messages are extracted from the bytes of a stream."""

from __future__ import annotations

import pytest

from llb.errors import RemoteError
from llb.grpc.messages import MessageReader, prefix


def test_messages_are_read_from_pieces_of_any_size() -> None:
    messages = [b"", b"a", bytes(300), b"", b"end"]
    data = b"".join(prefix(message) + message for message in messages)
    for step in (1, 2, 5, 7, 100, len(data)):
        reader = MessageReader(1000)
        for offset in range(0, len(data), step):
            reader.feed(memoryview(data)[offset : offset + step])
            reader.settle()
        assert list(reader.take()) == messages
        assert reader.is_between_messages


def test_take_removes_the_messages() -> None:
    reader = MessageReader(10)
    reader.feed(memoryview(prefix(b"a") + b"a"))
    assert (list(reader.take()), list(reader.take())) == ([b"a"], [])


@pytest.mark.parametrize("piece", [b"\0", prefix(b"abc"), prefix(b"abc") + b"ab"])
def test_a_truncated_message_is_noticed(piece: bytes) -> None:
    reader = MessageReader(10)
    reader.feed(memoryview(piece))
    assert not reader.is_between_messages


def test_settle_releases_the_buffer_of_a_piece() -> None:
    buffer = bytearray(prefix(b"abc") + b"a")
    reader = MessageReader(10)
    reader.feed(memoryview(buffer))
    reader.settle()
    buffer.clear()  # Fails while a view of it exists.
    reader.feed(memoryview(b"bc"))
    assert list(reader.take()) == [b"abc"]


@pytest.mark.parametrize(
    ("head", "code", "message"),
    [
        (b"\0\0\0\0\x0b", 8, "message of 11 bytes is larger than the limit of 10"),
        (b"\0\xff\xff\xff\xff", 8, "message of 4294967295 bytes is larger than the limit of 10"),
        (b"\1\0\0\0\1", 13, "message is compressed without an encoding"),
    ],
)
def test_a_message_is_refused_by_its_prefix(head: bytes, code: int, message: str) -> None:
    with pytest.raises(RemoteError) as caught:
        MessageReader(10).feed(memoryview(head))
    assert (caught.value.code, str(caught.value)) == (code, message)
