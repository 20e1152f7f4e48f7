"""Functions on numbers."""

from __future__ import annotations

import math
import string as letters
from fractions import Fraction

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.numbers import Number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import DYNAMIC, NUMBER, STRING
from llb.bake.values.value import Value, integer, number
from llb.gocompat.fmt import quote

_NUM = Parameter("num", NUMBER)
_TWO = Parameter("a", NUMBER), Parameter("b", NUMBER)
_MANY = Parameter("numbers", NUMBER)
_DIGITS = letters.digits + letters.ascii_lowercase + letters.ascii_uppercase


@define("absolute", _NUM)
def _absolute(num: Value) -> Value:
    """The number without its sign."""
    return number(-num.number if num.number.value < 0 else num.number)


@define("add", *_TWO)
def _add(a: Value, b: Value) -> Value:
    """The sum of two numbers."""
    return number(a.number + b.number)


@define("subtract", *_TWO)
def _subtract(a: Value, b: Value) -> Value:
    """The difference of two numbers."""
    return number(a.number - b.number)


@define("multiply", *_TWO)
def _multiply(a: Value, b: Value) -> Value:
    """The product of two numbers."""
    return number(a.number * b.number)


@define("divide", *_TWO)
def _divide(a: Value, b: Value) -> Value:
    """The quotient of two numbers."""
    return number(a.number / b.number)


@define("modulo", *_TWO)
def _modulo(a: Value, b: Value) -> Value:
    """The remainder of a division."""
    return number(a.number % b.number)


@define("negate", _NUM)
def _negate(num: Value) -> Value:
    """The number with the opposite sign."""
    return number(-num.number)


@define("min", variadic=_MANY)
def _min(*numbers: Value) -> Value:
    """The smallest of the numbers."""
    return number(min(_some(numbers)))


@define("max", variadic=_MANY)
def _max(*numbers: Value) -> Value:
    """The largest of the numbers."""
    return number(max(_some(numbers)))


def _some(numbers: tuple[Value, ...]) -> list[Number]:
    if not numbers:
        raise Unsuitable("must pass at least one number")
    return [each.number for each in numbers]


@define("int", _NUM)
def _int(num: Value) -> Value:
    """The number without its fraction."""
    return number(Number(Fraction(math.trunc(num.number.value))))


@define("ceil", _NUM)
def _ceil(num: Value) -> Value:
    """The smallest whole number that is not less."""
    return number(Number(Fraction(math.ceil(num.number.value))))


@define("floor", _NUM)
def _floor(num: Value) -> Value:
    """The largest whole number that is not greater."""
    return number(Number(Fraction(math.floor(num.number.value))))


@define("log", _NUM, Parameter("base", NUMBER))
def _log(num: Value, base: Value) -> Value:
    """The logarithm of a number to a base."""
    try:
        return number(Number.from_double(math.log(_float(num)) / math.log(_float(base))))
    except (ValueError, ZeroDivisionError):
        raise Unsuitable("the logarithm is not a number") from None


@define("pow", _NUM, Parameter("power", NUMBER))
def _pow(num: Value, power: Value) -> Value:
    """The number to the power of another."""
    try:
        return number(Number.from_double(math.pow(_float(num), _float(power))))
    except (ValueError, OverflowError):
        raise Unsuitable("the power is not a number, or too large") from None


def _float(value: Value) -> float:
    try:
        return float(value.number.value)
    except OverflowError:
        raise Unsuitable("the number is too large") from None


@define("signum", _NUM)
def _signum(num: Value) -> Value:
    """-1, 0 or 1, as the number is negative, zero or positive."""
    content = whole(num)
    return integer((content > 0) - (content < 0))


@define("parseint", Parameter("number", DYNAMIC), Parameter("base", NUMBER))
def _parse_int(text: Value, base: Value) -> Value:
    """The whole number that a string has in a base from 2 to 62."""
    if text.type != STRING:
        message = f"first argument must be a string, not {text.type.friendly}"
        raise Unsuitable(message, argument=0)
    radix = whole(base)
    if not 2 <= radix <= 62:
        raise Unsuitable("base must be a whole number between 2 and 62 inclusive", argument=1)
    content = _parsed(text.text, radix)
    if content is None:
        raise Unsuitable(f"cannot parse {quote(text.text)} as a base {radix} integer", argument=0)
    return integer(content)


def _parsed(text: str, radix: int) -> int | None:
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if radix <= 36:
        digits = digits.lower()
    content = 0
    for digit in digits:
        place = _DIGITS.find(digit)
        if not 0 <= place < radix:
            return None
        content = content * radix + place
    if not digits:
        return None
    return -content if text.startswith("-") else content
