"""Durations are parsed and formatted as by Go's ``time``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.gocompat.duration import format_duration, parse_duration

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("0", 0, "0s"),
        ("1h2m3s", 3723 * SECOND, "1h2m3s"),
        ("90m", 5400 * SECOND, "1h30m0s"),
        ("1.5s", 1_500_000_000, "1.5s"),
        ("61.05s", 61_050_000_000, "1m1.05s"),
        (".5ms", 500_000, "500\u00b5s"),
        ("1500\u00b5s", 1_500_000, "1.5ms"),
        ("7ns", 7, "7ns"),
        ("+1.m", 60 * SECOND, "1m0s"),
    ],
)
def test_durations_are_parsed_and_formatted(text: str, nanoseconds: int, shown: str) -> None:
    assert parse_duration(text) == nanoseconds
    assert format_duration(nanoseconds) == shown


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_formatted_duration_is_parsed_to_the_same_value(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1s2", "--1s", "1 s", "9999999999h"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)
