"""Properties of HTTP/2 and of calls: messages arrive unchanged, and invalid bytes are refused."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hpack
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from llb.errors import LLBError, TransportError
from llb.grpc import Channel, Server, ServerCall, memory_pair, metadata
from llb.grpc.http2 import frames
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import DataReceived, Limits
from llb.grpc.messages import MessageReader, prefix
from llb.grpc.status import parse_details, quote_message, unquote_message

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = metadata.request("/s/echo", "localhost", None, ())

sizes = st.lists(st.integers(0, 3000) | st.sampled_from([16_384, 20_000]), max_size=8)
windows = st.builds(
    Limits,
    stream_window=st.integers(500, 70_000),
    connection_window=st.integers(65_536, 200_000),
    frame_size=st.integers(16_384, 70_000),
)
cuts = st.lists(st.integers(1, 5000), min_size=1, max_size=10)


def pieces(data: bytes, steps: list[int]) -> Iterator[bytes]:
    offset = number = 0
    while offset < len(data):
        step = steps[number % len(steps)]
        yield data[offset : offset + step]
        offset += step
        number += 1


def message(number: int, size: int) -> bytes:
    return bytes([number % 256]) * size


@settings(deadline=None)  # Small windows need many rounds.
@given(sizes, windows, cuts)
def test_messages_arrive_whole_and_in_order_whatever_the_windows(
    sizes: list[int], limits: Limits, steps: list[int]
) -> None:
    client = Connection(client=True, limits=Limits())
    server = Connection(client=False, limits=limits)
    sent = [message(number, size) for number, size in enumerate(sizes)]
    client.open_stream(REQUEST)
    for payload in sent:
        client.send_data(1, prefix(payload), payload)
    client.end_stream(1)
    reader = MessageReader(2**20)
    ended = False
    while client.has_output or server.has_output:
        for data in pieces(b"".join(client.take_output(2**16)), steps):
            for event in server.receive(data):
                if isinstance(event, DataReceived):
                    reader.feed(event.data)
                    server.consumed(1, len(event.data))
                    ended = ended or event.end
            reader.settle()
        for data in pieces(b"".join(server.take_output(2**16)), steps):
            client.receive(data)
    assert list(reader.take()) == sent
    assert (ended, reader.is_between_messages) == (True, True)


@frozen
class _Recorded:
    """The bytes of a short conversation between a real client and a real server."""

    to_server: bytes
    to_client: bytes


def _record() -> _Recorded:
    client = Connection(client=True, limits=Limits())
    server = Connection(client=False, limits=Limits())
    client.open_stream(REQUEST)
    client.send_data(1, prefix(b"hello"), b"hello")
    client.end_stream(1)
    to_server = b"".join(client.take_output(2**20))
    server.receive(to_server)
    server.send_headers(1, metadata.RESPONSE)
    server.send_data(1, prefix(b"hello"), b"hello")
    server.end_stream(1, (("grpc-status", "0"), ("grpc-message", "fine")))
    return _Recorded(to_server, b"".join(server.take_output(2**20)))


RECORDED = _record()


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw ``data`` with bytes changed, removed, repeated, or inserted."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(changed)))
        end = min(len(changed), start + draw(st.integers(0, 12)))
        replacement = draw(st.binary(max_size=12) | st.just(bytes(changed[start:end]) * 2))
        changed[start:end] = replacement
    return bytes(changed)


def echo(call: ServerCall) -> None:
    while (message := call.receive()) is not None:
        call.send(message)


@settings(deadline=None)  # The time of threads varies.
@given(mutated(RECORDED.to_server), cuts)
def test_no_bytes_from_a_client_hang_or_crash_a_server(data: bytes, steps: list[int]) -> None:
    here, there = memory_pair(2**26)
    server = Server(there, {"/s/echo": echo})
    for piece in pieces(data, steps):
        here.write(piece)
    here.close()
    with suppress(TransportError):
        server.serve()


@settings(deadline=None)
@given(mutated(RECORDED.to_client), cuts)
def test_no_bytes_from_a_server_hang_or_crash_a_call(data: bytes, steps: list[int]) -> None:
    here, there = memory_pair(2**26)
    channel = Channel(here)
    call = channel.stream("/s/echo", timeout=60)
    for piece in pieces(data, steps):
        there.write(piece)
    there.close()
    with suppress(LLBError):
        while call.receive() is not None:
            pass
    channel.close()


@given(st.binary(max_size=400))
def test_any_header_block_is_decoded_or_refused(block: bytes) -> None:
    server = Connection(client=False, limits=Limits())
    start = frames.PREFACE + frames.settings([])
    with suppress(TransportError):
        server.receive(start + frames.headers(1, block or b"\x82", end=True, frame_size=2**14))


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


@given(st.lists(st.tuples(names, values), max_size=20))
def test_metadata_arrives_unchanged(pairs: list[tuple[str, str]]) -> None:
    block = hpack.Encoder().encode(metadata.request("/s/m", "x", None, pairs))
    decoded: Any = tuple(hpack.Decoder().decode(block))
    assert decoded[7:] == tuple(pairs)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_status_message_survives_quoting(text: str) -> None:
    quoted = quote_message(text)
    assert quoted.isascii()
    assert unquote_message(quoted) == text


@given(st.text())
def test_any_string_is_parsed_as_status_details(text: str) -> None:
    assert isinstance(parse_details(text), tuple)


@given(st.floats(0, 1e9))
def test_a_timeout_is_never_shortened_and_at_most_slightly_lengthened(seconds: float) -> None:
    read = metadata.parse_timeout(metadata.format_timeout(seconds))
    assert read is not None
    assert seconds <= read * (1 + 1e-12)
    assert read <= seconds * 1.01 + 1e-6
