"""Names that mean something else on Windows are told from others."""

from __future__ import annotations

import pytest

from llb.local_files.names import is_possible, is_possible_on_windows


@pytest.mark.parametrize(
    "name",
    [
        b"a",
        b".a",
        b"a.b.c",
        b"a b",
        b"console",
        b"com",
        b"com10",
        b"nul1",
        "é".encode(),
        b"'()[]{}~",
    ],
)
def test_ordinary_names_are_possible(name: bytes) -> None:
    assert is_possible_on_windows(name)


@pytest.mark.parametrize(
    "name",
    [
        *(b"..\\a", b"c:", b"a:b", b"a*", b"a?", b'a"b', b"<a>", b"a|b", b"a\nb", b"\x01", b"\xff"),
        *(
            b"a.",
            b"a ",
            b"...",
            b"nul",
            b"NUL",
            b"nul.txt",
            b"nul .txt",
            b"con",
            b"com1",
            b"LPT9.a",
        ),
        *(b"conin$", "com¹".encode()),
    ],
)
def test_names_that_mean_another_place_are_not(name: bytes) -> None:
    assert not is_possible_on_windows(name)


def test_every_name_is_possible_elsewhere() -> None:
    assert all(map(is_possible, (b"..\\a", b"c:", b"nul", b"a.", b"\xff")))
