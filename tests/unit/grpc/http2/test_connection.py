"""Frames on streams that were never opened end a connection, whoever would have opened them."""

from __future__ import annotations

import pytest

from llb.tunnel import frames
from llb.tunnel.connection import Connection
from llb.tunnel.events import Limits
from llb.tunnel.frames import ErrorCode, ProtocolError

REQUEST = ((":method", "POST"), (":path", "/s/m"))


def output(connection: Connection) -> bytes:
    pieces = []
    while taken := connection.take_output(2**16):
        pieces += taken
    return b"".join(pieces)


@pytest.fixture
def pair() -> tuple[Connection, Connection]:
    """A client and a server that know each other's settings."""
    client = Connection(client=True, limits=Limits())
    server = Connection(client=False, limits=Limits())
    server.receive(output(client))
    client.receive(output(server))
    server.receive(output(client))
    return client, server


FRAMES = {
    "a window": lambda stream: frames.window_update(stream, 1),
    "a reset": lambda stream: frames.rst_stream(stream, ErrorCode.CANCEL),
    "data": lambda stream: bytes([0, 0, 0, frames.DATA, 0, *stream.to_bytes(4, "big")]),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_next_stream_of_a_client_is_refused(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, _ = pair
    client.open_stream(REQUEST)
    with pytest.raises(ProtocolError, match=r"^stream 3 was never opened$") as caught:
        client.receive(FRAMES[kind](3))
    assert caught.value.code is ErrorCode.PROTOCOL_ERROR


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_last_stream_of_a_client_is_taken(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, _ = pair
    client.open_stream(REQUEST)
    client.reset(1, ErrorCode.CANCEL)
    assert client.receive(FRAMES[kind](1)) == []


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_next_stream_of_a_peer_is_refused_by_a_server(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, server = pair
    client.open_stream(REQUEST)
    server.receive(output(client))
    server.reset(1, ErrorCode.CANCEL)
    assert server.receive(FRAMES[kind](1)) == []
    with pytest.raises(ProtocolError, match=r"^stream 3 was never opened$"):
        server.receive(FRAMES[kind](3))


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_a_stream_that_a_server_would_open_is_refused(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, server = pair
    for side in (client, server):
        with pytest.raises(ProtocolError, match=r"^stream 2 was never opened$"):
            side.receive(FRAMES[kind](2))
