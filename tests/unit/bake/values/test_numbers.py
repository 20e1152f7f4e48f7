"""Numbers print the fewest digits that identify them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from llb.bake.values.numbers import Number, parse_number, rounded
from llb.bake.values.problems import Unsuitable


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1", "1"),
        ("-1.50", "-1.5"),
        ("1e3", "1000"),
        ("1e-7", "0.0000001"),
        (".5", "0.5"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_a_number_is_printed_in_decimal(text: str, printed: str) -> None:
    assert str(parse_number(text)) == printed


def test_a_float_keeps_its_own_precision() -> None:
    assert str(Number.from_double(0.1)) == "0.1"
    assert str(Number.from_double(0.1) + Number.from_double(0.2)) == "0.30000000000000004"


def test_the_remainder_has_the_sign_of_the_dividend() -> None:
    assert str(parse_number("-7") % parse_number("3")) == "-1"


def test_halves_are_rounded_to_the_even_mantissa() -> None:
    assert rounded(Fraction(0b1011), 3) == 0b1100
    assert rounded(Fraction(0b1001), 3) == 0b1000


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1e", "inf", "0x10", "1e99999999999", "1_000"])
def test_other_texts_are_not_numbers(text: str) -> None:
    with pytest.raises(Unsuitable):
        parse_number(text)


def test_infinity_and_division_by_zero_are_refused() -> None:
    with pytest.raises(Unsuitable, match="invalid number value"):
        Number.from_double(float("inf"))
    with pytest.raises(Unsuitable, match="division by zero"):
        Number.of(1) / Number.of(0)
