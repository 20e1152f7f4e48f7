"""Values in templates: structs with Go's names of fields, typed maps, and how values are printed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from llb.errors import InvalidValueError

# Numbers with other exponents are printed with them.
_LEAST_EXPONENT, _EXPONENT = -4, 6


@frozen
class Struct:
    """A struct: its fields by Go's names, and its JSON values.

    The value of a field may be a function, which is called when a template uses the field.
    """

    fields: Mapping[str, Any] = field(repr=False)
    json: Any


class TypedMap(dict[str, Any]):
    """A map of Go with the value that it has for a key that is missing."""

    def __init__(self, values: Mapping[str, Any], zero: Any) -> None:
        super().__init__(values)
        self.zero = zero


class NoValue:
    """What a template has for a key that is not in a map."""


NO_VALUE = NoValue()


@frozen
class Time:
    """A time in RFC 3339, as it is in JSON."""

    text: str

    def __str__(self) -> str:
        """Format as Go prints a time."""
        day, _, rest = self.text.partition("T")
        clock, zone = (rest[:-1], "Z") if rest.endswith("Z") else (rest[:-6], rest[-6:])
        if zone == "Z":
            return f"{day} {clock} +0000 UTC"
        offset = zone.replace(":", "")
        return f"{day} {clock} {offset} {offset}"


def is_true(value: object) -> bool:
    """Check whether a value is true for ``if``: not zero, nil or empty."""
    match value:
        case None | NoValue():
            return False
        case Struct() | Time():
            return True
        case _:
            return bool(value)


def to_text(value: object, *, is_inner: bool = False) -> str:
    """Format a value as Go's ``%v`` does. Raises InvalidValueError for a struct."""
    match value:
        case NoValue():
            return "<no value>"
        case None:
            return "<nil>" if is_inner else "<no value>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return format_float(value)
        case int() | Time():
            return str(value)
        case Mapping():
            pairs = (f"{key}:{to_text(value[key], is_inner=True)}" for key in sorted(value))
            return f"map[{' '.join(pairs)}]"
        case list() | tuple():
            return f"[{' '.join(to_text(item, is_inner=True) for item in value)}]"
        case _:
            raise InvalidValueError(
                "a template cannot print an object", hint="print it as JSON: {{json …}}"
            )


def to_jsonable(value: object) -> Any:
    """Convert a value to JSON values."""
    match value:
        case NoValue():
            return None
        case Struct():
            return value.json
        case Time():
            return value.text
        case Mapping():
            return {key: to_jsonable(value[key]) for key in sorted(value)}
        case list() | tuple():
            return [to_jsonable(item) for item in value]
        case _:
            return value


def format_float(value: float) -> str:
    """Format a number as ``%v`` of a float64 does.

    >>> format_float(100000.0), format_float(1048576.0), format_float(0.00001)
    ('100000', '1.048576e+06', '1e-05')
    """
    digits = Decimal(repr(value))
    if value == 0 or _LEAST_EXPONENT <= digits.adjusted() < _EXPONENT:
        return _without_zeros(f"{digits:f}")
    mantissa, _, power = f"{digits.normalize():e}".partition("e")
    return f"{_without_zeros(mantissa)}e{power[0]}{int(power[1:]):02}"


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
