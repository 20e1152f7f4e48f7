"""Archives as build contexts."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime

import pytest

from llb import Scratch
from llb.frontend.dockerui.archives import is_archive, newest_in_archive, newest_time, to_time
from llb.testing import FakeGateway

# A fake gateway unpacks no zstd. This name makes a tar archive begin like a skippable frame of it.
SKIPPABLE = "P*M\x18 frame"


def archive(*times: int, name: str = "file") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for number, time in enumerate(times):
            member = tarfile.TarInfo(f"{name} {number}")
            member.mtime = time
            tar.addfile(member, io.BytesIO())
    return data.getvalue()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x1f\x8b\x08", True),
        (b"BZh9", True),
        (b"\xfd7zXZ\x00", True),
        (b"\x28\xb5\x2f\xfd", True),
        (b"\x50\x2a\x4d\x18\0\0\0\0", True),
        (b"\x5f\x2a\x4d\x18\0\0\0\0", True),
        (archive(1), True),
        (b"", False),
        (b"FROM scratch\n", False),
        (b"\x28\xb5\x2f", False),
        (b"\x50\x2a\x4d\x18", False),
        (b"\x60\x2a\x4d\x18\0\0\0\0", False),
    ],
)
def test_an_archive_is_recognized_by_its_first_bytes(head: bytes, *, expected: bool) -> None:
    assert is_archive(head) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (archive(1, 3, 2), datetime.fromtimestamp(3, UTC)),
        (archive(), None),
        (archive(2**62), None),
        (b"not an archive", None),
        (b"", None),
    ],
)
def test_the_time_of_an_archive_is_that_of_its_newest_file(
    data: bytes, expected: datetime | None
) -> None:
    assert newest_in_archive(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (archive(1, 3, 2), datetime.fromtimestamp(3, UTC)),
        (b"not an archive", None),
        (archive(1, 3, 2, name=f"d/{SKIPPABLE}"), datetime.fromtimestamp(3, UTC)),
        (archive(1, 3, 2, name=SKIPPABLE), datetime.fromtimestamp(3, UTC)),
        (archive(4, name=f"{SKIPPABLE}/d/e"), datetime.fromtimestamp(4, UTC)),
        # The daemon copies a file that it cannot unpack.
        (SKIPPABLE.encode() + b"no archive", None),
    ],
)
def test_the_daemon_unpacks_an_archive_that_python_cannot_decompress(
    data: bytes, expected: datetime | None
) -> None:
    source = Scratch().mkfile("/archive", data)
    with FakeGateway() as fake:
        gateway = fake.connect()
        ref = gateway.solve(source.marshal())
        assert newest_time(gateway, source, ref, "archive") == expected
        # One for the file, and one for the content of the archive.
        assert len(fake.solves) == (2 if data.startswith(SKIPPABLE.encode()) else 1)


@pytest.mark.parametrize("seconds", [b"9" * 5000, b"99999999999999", 1e300, float("inf")])
def test_a_time_outside_the_calendar_is_unknown(seconds: float | bytes) -> None:
    assert to_time(seconds) is None


def test_digits_are_a_time() -> None:
    assert to_time(b"3") == datetime.fromtimestamp(3, UTC)
