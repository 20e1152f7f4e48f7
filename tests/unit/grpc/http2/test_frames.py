"""Frames are encoded and decoded."""

from __future__ import annotations

import pytest

from llb.grpc.http2 import frames
from llb.grpc.http2.frames import ErrorCode, FrameReader, ProtocolError


def read(data: bytes, *, piece: int | None = None) -> list[tuple[int, int, int, bytes, int]]:
    reader = FrameReader(frame_limit=2**20, held_limit=2**16)
    step = piece or len(data) or 1
    frames_read = []
    for offset in range(0, len(data), step):
        frames_read += [
            (kind, flags, stream_id, bytes(payload), size)
            for kind, flags, stream_id, payload, size in reader.feed(data[offset : offset + step])
        ]
    return frames_read


def test_frames_are_read_as_they_were_written() -> None:
    data = (
        frames.settings([(frames.MAX_FRAME_SIZE, 2**14)])
        + frames.window_update(0, 7)
        + frames.rst_stream(3, ErrorCode.CANCEL)
        + frames.goaway(5, ErrorCode.NO_ERROR)
    )
    assert read(data) == [
        (frames.SETTINGS, 0, 0, b"\0\5\0\0\x40\0", 6),
        (frames.WINDOW_UPDATE, 0, 0, b"\0\0\0\7", 4),
        (frames.RST_STREAM, 0, 3, b"\0\0\0\x08", 4),
        (frames.GOAWAY, 0, 0, b"\0\0\0\5\0\0\0\0", 8),
    ]


def test_frames_other_than_data_are_kept_until_they_are_whole() -> None:
    data = frames.settings([(1, 2), (3, 4)]) + frames.window_update(1, 9)
    assert read(data, piece=1) == read(data)


def test_data_is_passed_on_in_the_pieces_it_arrives_in() -> None:
    data = frames.header(frames.DATA, frames.END_STREAM, 1, 6) + b"abcdef"
    assert read(data, piece=12) == [
        (frames.DATA, 0, 1, b"abc", 3),
        (frames.DATA, frames.END_STREAM, 1, b"def", 3),
    ]


def test_an_empty_data_frame_is_a_frame() -> None:
    data = frames.header(frames.DATA, frames.END_STREAM, 1, 0)
    assert read(data, piece=4) == [(frames.DATA, frames.END_STREAM, 1, b"", 0)]


def test_padding_is_removed_and_counts_for_the_windows() -> None:
    data = frames.header(frames.DATA, frames.PADDED, 1, 6) + b"\2abc\0\0"
    assert read(data) == [(frames.DATA, frames.PADDED, 1, b"abc", 6)]


def test_the_priority_of_headers_is_skipped() -> None:
    data = frames.header(frames.HEADERS, frames.HAS_PRIORITY, 1, 8) + b"12345abc"
    assert read(data) == [(frames.HEADERS, frames.HAS_PRIORITY, 1, b"abc", 8)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frames.header(frames.DATA, 0, 1, 2**20 + 1), ErrorCode.FRAME_SIZE_ERROR),
        (frames.header(frames.HEADERS, 0, 1, 2**16 + 1), ErrorCode.FRAME_SIZE_ERROR),
        (frames.header(0xFA, 0, 1, 2**24 - 1), ErrorCode.FRAME_SIZE_ERROR),
        (frames.header(frames.PING, 0, 0, 7), ErrorCode.FRAME_SIZE_ERROR),
        (frames.header(frames.WINDOW_UPDATE, 0, 0, 5), ErrorCode.FRAME_SIZE_ERROR),
        (frames.header(frames.DATA, 0, 0, 1), ErrorCode.PROTOCOL_ERROR),
        (frames.header(frames.SETTINGS, 0, 1, 0), ErrorCode.PROTOCOL_ERROR),
        (frames.header(frames.DATA, frames.PADDED, 1, 2) + b"\2a", ErrorCode.PROTOCOL_ERROR),
        (frames.header(frames.DATA, frames.PADDED, 1, 0), ErrorCode.PROTOCOL_ERROR),
        (
            frames.header(frames.HEADERS, frames.HAS_PRIORITY, 1, 4) + b"1234",
            ErrorCode.FRAME_SIZE_ERROR,
        ),
    ],
)
def test_a_malformed_frame_is_refused_by_its_header(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(ProtocolError) as caught:
        read(data)
    assert caught.value.code == code


def test_a_header_block_longer_than_a_frame_is_continued() -> None:
    data = frames.headers(1, b"abcde", end=True, frame_size=2)
    assert read(data) == [
        (frames.HEADERS, frames.END_STREAM, 1, b"ab", 2),
        (frames.CONTINUATION, 0, 1, b"cd", 2),
        (frames.CONTINUATION, frames.END_HEADERS, 1, b"e", 1),
    ]
