"""Floods on an HTTP/2 connection end in an error, or take bounded time and memory.

Violations of the protocol are in tests/unit/grpc/http2/test_connection_hostile.py.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import hpack
import pytest

from llb.errors import RemoteError
from llb.grpc.http2 import frames
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import DataReceived, Limits
from llb.grpc.http2.frames import ErrorCode, ProtocolError
from llb.grpc.messages import MessageReader, prefix
from llb.grpc.metadata import RESPONSE, request
from tests.attacks.limits import MIB, limited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.grpc.http2.events import Event

REQUEST = request("/s/m", "localhost", None, ())
SMALL = Limits(stream_window=2**16, connection_window=2**17)
TIMES = 20_000


def block(pairs: Iterable[tuple[str, str]], *, huffman: bool = False) -> bytes:
    return hpack.Encoder().encode(list(pairs), huffman=huffman)


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 1) -> bytes:
    return frames.header(kind, flags, stream, len(payload)) + payload


def opened(
    stream: int = 1, pairs: Iterable[tuple[str, str]] = REQUEST, *, end: bool = False
) -> bytes:
    return frames.headers(stream, block(pairs), end=end, frame_size=2**14)


class Peer:
    """A connection under attack; ``read`` takes what it sends, as a peer that reads does."""

    def __init__(self, *, client: bool = False, limits: Limits = SMALL, reads: bool = True) -> None:
        self.connection = Connection(client=client, limits=limits)
        if client:
            self.connection.open_stream(REQUEST)
        self.connection.receive((b"" if client else frames.PREFACE) + frames.settings([]))
        self._reads = reads

    def receive(self, attack: bytes) -> list[Event]:
        events = self.connection.receive(attack)
        if self._reads:
            self.connection.take_output(2**20)
        return events


IGNORED = {
    "priorities": frame(frames.PRIORITY, bytes(5)),
    "unknown frames": frame(200, b"x" * 50),
    "answers to no question": frame(frames.PING, bytes(8), flags=frames.ACK, stream=0),
    "acknowledged settings": frames.SETTINGS_ACK,
    "questions whose answers are read": frame(frames.PING, bytes(8), stream=0),
    "windows of the connection": frames.window_update(0, 1),
    "windows of a stream": frames.window_update(1, 1),
    "unknown settings": frames.settings([(number, number) for number in range(100, 150)]),
    "header table sizes": frames.settings([(1, 0), (1, 4096)] * 25),
    "initial windows": frames.settings([(4, 0), (4, 65_535)] * 25),
    "frame sizes": frames.settings([(5, 2**14), (5, 2**24 - 1)] * 25),
    "limits of streams": frames.settings([(3, 0), (3, 2**32 - 1)] * 25),
}


@pytest.mark.parametrize("name", IGNORED)
@pytest.mark.parametrize("client", [False, True], ids=["to a server", "to a client"])
def test_a_flood_of_frames_without_effect_leaves_nothing_behind(name: str, *, client: bool) -> None:
    peer = Peer(client=client)
    if not client:
        peer.receive(opened())
    many = IGNORED[name] * 500
    with limited(memory=16 * MIB):
        for _ in range(TIMES // 500):
            assert peer.receive(many) == []
    if client:
        peer.connection.end_stream(1)
        assert len(b"".join(peer.connection.take_output(2**20))) < 100


def test_a_flood_of_goaways_takes_no_memory() -> None:
    peer = Peer(client=True)
    many = frame(frames.GOAWAY, bytes(8) + b"text" * 1000, stream=0) * 50
    with limited(memory=16 * MIB):
        for _ in range(200):
            assert len(peer.receive(many)) == 50


def test_a_flood_of_interim_responses_takes_no_memory() -> None:
    peer = Peer(client=True)
    encoder = hpack.Encoder()
    with limited(memory=16 * MIB):
        for _ in range(TIMES // 10):
            interim = encoder.encode([(":status", "103"), ("link", "x" * 100)])
            (event,) = peer.receive(frame(frames.HEADERS, interim, flags=frames.END_HEADERS))
            assert not event.end  # type: ignore[union-attr] # headers


def test_data_byte_by_byte_takes_no_memory() -> None:
    peer, reader = Peer(), MessageReader(MIB)
    peer.receive(opened())
    many = frame(frames.DATA, b"\0") * 100
    with limited(memory=16 * MIB):
        for _ in range(TIMES // 100):
            for event in peer.receive(many):
                assert isinstance(event, DataReceived)
                reader.feed(event.data)
                reader.settle()
                peer.connection.consumed(1, 1)
    assert len(reader.take()) == TIMES // 5


def test_a_flood_of_padding_is_refused() -> None:
    peer = Peer()
    peer.receive(opened())
    padded = frame(frames.DATA, bytes([255]) + bytes(255), flags=frames.PADDED)

    def attack() -> None:
        for _ in range(2000):
            peer.receive(padded)

    # Padding without data is an empty frame, of which there may be some only.
    with (
        limited(memory=16 * MIB),
        pytest.raises(ProtocolError, match="floods with empty frames"),
    ):
        attack()


def test_header_blocks_byte_by_byte_end_at_their_limit() -> None:
    peer = Peer(limits=Limits(header_list=50_000))
    pieces = frame(frames.CONTINUATION, b"\x82") * 1000

    def attack() -> None:
        peer.receive(frame(frames.HEADERS, b"\x82"))
        for _ in range(51):
            peer.receive(pieces)

    with limited(), pytest.raises(ProtocolError, match="headers larger than the limit"):
        attack()


def test_a_block_that_grows_when_it_is_decoded_ends_at_its_limit() -> None:
    # An entry of the header table, and a million references to it of one byte each.
    bomb = block([("x", "y" * 4000)]) + b"\xbe" * (MIB - 5000)
    peer = Peer(limits=Limits())
    with limited(), pytest.raises(ProtocolError, match="headers larger than the limit"):
        peer.receive(frames.headers(1, bomb, end=False, frame_size=2**14))


def test_thousands_of_small_headers_are_decoded_in_linear_time() -> None:
    pairs = [("a", "")] * 25_000
    with limited():
        (event,) = Peer(limits=Limits()).receive(opened(1, [*REQUEST, *pairs]))
    assert len(event.headers) == len(REQUEST) + len(pairs)  # type: ignore[union-attr] # headers


@pytest.mark.parametrize("integer", [b"\xff" * 20, b"\x7f" + b"\xff" * 1000 + b"\x01"])
def test_numbers_without_an_end_are_refused(integer: bytes) -> None:
    with limited(), pytest.raises(ProtocolError, match="headers cannot be decoded"):
        Peer().receive(frame(frames.HEADERS, integer, flags=frames.END_HEADERS))


def flood(kind: str) -> Iterator[bytes]:
    """Yield the frames of a flood for ever."""
    for number in count(3, 2):
        match kind:
            case "streams that are reset":
                yield opened(number) + frames.rst_stream(number, ErrorCode.CANCEL)
            case "streams that stay open":
                yield opened(number)
            case "streams above the limit":
                yield opened(number, end=True)
            case "data of a stream that is over":
                yield frame(frames.DATA)
            case _:
                yield frames.ping()


@pytest.mark.parametrize(
    ("kind", "reads", "message"),
    [
        ("streams that are reset", True, "floods with resets"),
        ("streams that are reset", False, "floods with resets"),
        ("streams that stay open", True, "floods with streams above the limit"),
        ("streams above the limit", False, "floods with streams above the limit"),
        ("data of a stream that is over", True, "floods with empty frames"),
        ("questions whose answers are not read", False, "does not read the answers"),
    ],
)
def test_a_flood_with_an_effect_is_refused(kind: str, message: str, *, reads: bool) -> None:
    peer, frames_of_flood = Peer(reads=reads), flood(kind)
    peer.receive(opened(end=True))

    def attack() -> None:
        for _ in range(TIMES):
            peer.receive(next(frames_of_flood))

    with limited(memory=16 * MIB), pytest.raises(ProtocolError, match=message):
        attack()


def test_a_window_of_zero_holds_back_answers_of_all_streams() -> None:
    limits = Limits(streams=250)
    peer = Peer(limits=limits)
    peer.receive(frames.settings([(4, 0)]))
    with limited(memory=96 * MIB):
        for number in range(1, 500, 2):
            peer.receive(opened(number, end=True))
            peer.connection.send_headers(number, RESPONSE)
            # A call blocks its sender at this size.
            peer.connection.send_data(number, bytes(256 * 1024))
        assert len(b"".join(peer.connection.take_output(2**30))) < 2**16


def test_unread_messages_of_two_bytes_are_bounded_by_the_windows() -> None:
    limits = Limits(stream_window=4 * MIB, connection_window=4 * MIB)
    peer, reader = Peer(limits=limits), MessageReader(MIB)
    peer.receive(opened())
    many = frame(frames.DATA, (prefix(b"xx") + b"xx") * 2000)

    def attack() -> None:
        for _ in range(1000):
            for event in peer.receive(many):
                assert isinstance(event, DataReceived)
                reader.feed(event.data)
                reader.settle()

    with limited(), pytest.raises(ProtocolError, match="peer sent more than its window"):
        attack()


@pytest.mark.parametrize("length", [2**32 - 1, 16 * MIB + 1])
def test_a_message_of_gigabytes_is_refused_at_its_length(length: int) -> None:
    reader = MessageReader(16 * MIB)
    with limited(memory=MIB), pytest.raises(RemoteError, match=f"message of {length} bytes"):
        reader.feed(memoryview(b"\0" + length.to_bytes(4, "big")))


def test_a_compressed_message_is_refused() -> None:
    with pytest.raises(RemoteError, match="compressed without an encoding"):
        MessageReader(100).feed(memoryview(b"\1\0\0\0\2xx"))


def test_a_frame_of_sixteen_megabytes_is_refused_before_it_arrives() -> None:
    with limited(memory=MIB), pytest.raises(ProtocolError, match="length of 16777215"):
        Peer().receive(frames.header(frames.DATA, 0, 1, 2**24 - 1))
