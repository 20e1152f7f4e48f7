"""Files of any size are read in ranges, and errors name what is too large."""

from __future__ import annotations

import pytest

from llb.errors import InvalidValueError, RemoteError
from llb.gateway.files import one_message, read_ranges

MIB = 2**20
DATA = bytes(range(256)) * (20 * MIB // 256)


class File:
    """A file that records the ranges read from it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges: list[tuple[int, int]] = []

    def read(self, offset: int, length: int) -> bytes:
        self.ranges.append((offset, length))
        return self.data[offset : offset + length]


@pytest.mark.parametrize(
    ("size", "offset", "length", "ranges"),
    [
        (0, 0, 0, [(0, 8)]),
        (5, 0, 0, [(0, 8)]),
        (8, 0, 0, [(0, 8), (8, 8)]),
        (20, 0, 0, [(0, 8), (8, 8), (16, 8)]),
        (20, 3, 0, [(3, 8), (11, 8), (19, 8)]),
        (20, 3, 2, [(3, 2)]),
        (20, 0, 8, [(0, 8)]),
        (20, 1, 16, [(1, 8), (9, 8)]),
        (20, 1, 17, [(1, 8), (9, 8), (17, 1)]),
        (20, 18, 9, [(18, 8)]),
        (20, 30, 0, [(30, 8)]),
    ],
)
def test_a_file_is_read_in_ranges_of_8_mib(
    size: int, offset: int, length: int, ranges: list[tuple[int, int]]
) -> None:
    file = File(DATA[: size * MIB])
    data = read_ranges(file.read, offset * MIB, length * MIB)
    end = (offset + length) * MIB if length else None
    assert data == file.data[offset * MIB : end]
    assert file.ranges == [(start * MIB, count * MIB) for start, count in ranges]


@pytest.mark.parametrize(
    ("offset", "length", "message"),
    [
        (-1, 0, "invalid offset -1: expected 0 or more bytes"),
        (0, -2, "invalid length -2: expected 0 or more bytes"),
    ],
)
def test_negative_numbers_of_bytes_are_refused(offset: int, length: int, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_ranges(File(DATA).read, offset, length)
    assert str(caught.value) == message


def test_an_answer_that_is_too_large_is_named() -> None:
    with pytest.raises(RemoteError) as caught, one_message("list /usr", "use a pattern"):
        raise RemoteError("grpc: trying to send message larger than max", code=8, details=(b"x",))
    error = caught.value
    assert error.title == "cannot list /usr: the answer is larger than a message of 16 MiB"
    assert (error.hint, error.code, error.details) == ("use a pattern", 8, (b"x",))


def test_other_errors_are_unchanged() -> None:
    error = RemoteError("no such file or directory", code=2)
    with pytest.raises(RemoteError) as caught, one_message("list /usr", "use a pattern"):
        raise error
    assert caught.value is error
