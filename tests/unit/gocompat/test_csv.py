"""Lines of CSV are split as Go's ``encoding/csv`` splits them."""

from __future__ import annotations

import pytest

from llb.gocompat.csv import split_csv


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a,b", ("a", "b")),
        ("a,", ("a", "")),
        (",", ("", "")),
        ('"a,b",c', ("a,b", "c")),
        ('"a""b"', ('a"b',)),
        ('"",""', ("", "")),
        ("a\r\n", ("a",)),
    ],
)
def test_a_line_of_csv_is_split(line: str, fields: tuple[str, ...]) -> None:
    assert split_csv(line) == fields


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "EOF"),
        ('é,a"b', 'parse error on line 1, column 5: bare " in non-quoted-field'),
        ('"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'),
        ('a,"b', 'parse error on line 1, column 4: extraneous or missing " in quoted-field'),
        ('"a""b', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'),
    ],
)
def test_malformed_csv_is_refused_in_the_words_of_go(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        split_csv(line)
    assert str(caught.value) == reason
