"""Numbers as Go's ``big.Float`` has them: binary floats of up to 512 bits, exact in decimal."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from attrs import field, frozen

from llb.bake.values.problems import Unsuitable

PRECISION = 512
_DOUBLE = 53
_DECIMAL = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?")
# A number of this size would fill the memory; nobody means it.
_LARGEST_EXPONENT = 10_000


@frozen(order=True)
class Number:
    """A number, and how many bits its mantissa may have in calculations."""

    value: Fraction
    precision: int = field(default=PRECISION, eq=False, order=False)

    @classmethod
    def of(cls, value: int) -> Number:
        """Create a number from an integer."""
        return cls(Fraction(value))

    @classmethod
    def from_double(cls, value: float) -> Number:
        """Create a number from a float, with its precision. Raises Unsuitable for NaN and infinity."""
        if not math.isfinite(value):
            raise Unsuitable("invalid number value")
        return cls(Fraction(value), _DOUBLE)

    @property
    def is_integer(self) -> bool:
        """Whether the number has no fraction."""
        return self.value.denominator == 1

    def __add__(self, other: Number) -> Number:
        return self._rounded(self.value + other.value, other)

    def __sub__(self, other: Number) -> Number:
        return self._rounded(self.value - other.value, other)

    def __mul__(self, other: Number) -> Number:
        return self._rounded(self.value * other.value, other)

    def __truediv__(self, other: Number) -> Number:
        if not other.value:
            raise Unsuitable("division by zero")
        return self._rounded(self.value / other.value, other)

    def __mod__(self, other: Number) -> Number:
        """Compute the remainder, which has the sign of the dividend; by zero it is the dividend."""
        if not other.value:
            return self
        quotient = self / other
        return self - other * Number(Fraction(math.trunc(quotient.value)))

    def __neg__(self) -> Number:
        return Number(-self.value, self.precision)

    def __str__(self) -> str:
        """Format in decimal, with the fewest digits that identify the number at its precision."""
        if self.is_integer and self.value.numerator.bit_length() <= self.precision:
            return str(self.value.numerator)
        sign = "-" if self.value < 0 else ""
        return sign + _shortest(abs(self.value), self.precision)

    def _rounded(self, value: Fraction, other: Number) -> Number:
        precision = max(self.precision, other.precision)
        return Number(rounded(value, precision), precision)


def parse_number(text: str) -> Number:
    """Parse a decimal number. Raises Unsuitable.

    >>> str(parse_number("1.50e1"))
    '15'
    """
    match = _DECIMAL.fullmatch(text)
    if match is None or not match[2] + match[3]:
        raise Unsuitable("a number is required")
    sign, whole, fraction, exponent = match.groups(default="")
    power = int(exponent or 0) - len(fraction)
    if abs(power) > _LARGEST_EXPONENT or len(whole) > _LARGEST_EXPONENT:
        raise Unsuitable("the number has too many digits")
    value = int(whole + fraction) * Fraction(10) ** power
    return Number(rounded(-value if sign == "-" else value, PRECISION))


def rounded(value: Fraction, precision: int) -> Fraction:
    """Round to the nearest float with that many bits; halves go to the even one."""
    numerator, denominator = abs(value.numerator), value.denominator
    if denominator & (denominator - 1) == 0 and numerator.bit_length() <= precision:
        return value
    shift = precision + 2 - (numerator.bit_length() - denominator.bit_length())
    mantissa, rest = divmod(numerator << max(shift, 0), denominator << max(-shift, 0))
    excess = mantissa.bit_length() - precision
    dropped, half = mantissa & ((1 << excess) - 1), 1 << (excess - 1)
    mantissa >>= excess
    if dropped > half or (dropped == half and (rest or mantissa & 1)):
        mantissa += 1
    result = mantissa * Fraction(2) ** (excess - shift)
    return -result if value < 0 else result


def _shortest(value: Fraction, precision: int) -> str:
    """Format a positive number with the fewest digits that are nearer to it than to its neighbours."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length() - precision
    mantissa = value / Fraction(2) ** exponent
    if mantissa >= 1 << precision:
        mantissa, exponent = mantissa / 2, exponent + 1
    elif mantissa < 1 << (precision - 1):
        mantissa, exponent = mantissa * 2, exponent - 1
    half = Fraction(2) ** (exponent - 1)
    places = max(0, 1 - exponent)
    scale = 10**places
    texts = [str(int(bound * scale)) for bound in (value, value - half, value + half)]
    width = max(places + 1, *map(len, texts))
    digits, lower, upper = (text.zfill(width) for text in texts)
    kept = _fewest_digits(digits, lower, upper, inclusive=int(mantissa) % 2 == 0)
    whole, fraction = kept[: len(kept) - places], kept[len(kept) - places :].rstrip("0")
    text = whole.lstrip("0") or "0"
    return f"{text}.{fraction}" if fraction else text


def _fewest_digits(digits: str, lower: str, upper: str, *, inclusive: bool) -> str:
    """Round ``digits`` where they differ from both bounds; all have the same number of digits."""
    ends = len(lower.rstrip("0")), len(upper.rstrip("0"))
    for index, digit in enumerate(digits):
        down = lower[index] != digit or (inclusive and index + 1 == ends[0])
        up = digit != upper[index] and (
            inclusive or int(digit) + 1 < int(upper[index]) or index + 1 < ends[1]
        )
        if not down and not up:
            continue
        head, tail = digits[: index + 1], digits[index + 1 :]
        nearest_is_up = tail and (tail[0] > "5" or (tail[0] == "5" and _is_over_half(head, tail)))
        if up and (nearest_is_up or not down):
            head = str(int(head) + 1).zfill(len(head))
        return head + "0" * len(tail)
    return digits


def _is_over_half(head: str, tail: str) -> bool:
    return bool(tail[1:].strip("0")) or int(head[-1]) % 2 == 1
