"""File modes are converted to and from Go's bits."""

from __future__ import annotations

import stat

import pytest

from llb.gocompat import filemode


@pytest.mark.parametrize(
    "kind", [stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO]
)
@pytest.mark.parametrize("bits", [0o644, 0o4755, 0o2711, 0o1777, 0])
def test_a_mode_survives_the_round_trip(kind: int, bits: int) -> None:
    assert filemode.from_wire(filemode.to_wire(kind | bits)) == kind | bits


def test_a_socket_becomes_a_regular_file() -> None:
    assert filemode.from_wire(filemode.to_wire(stat.S_IFSOCK | 0o600)) == stat.S_IFREG | 0o600
