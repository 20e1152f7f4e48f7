"""format and formatlist: texts with verbs, as printf has them."""

from __future__ import annotations

import re
from decimal import Context, Decimal

from attrs import frozen

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.functions.graphemes import graphemes
from llb.bake.values.conversion import convert
from llb.bake.values.json import to_json
from llb.bake.values.numbers import Number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import BOOL, DYNAMIC, NUMBER, STRING, is_sequence
from llb.bake.values.value import Value, list_of, string
from llb.gocompat.fmt import quote
from llb.gocompat.json import dumps

_VERB = re.compile(r"%([ #+0-]*)([0-9]+)?(?:\.([0-9]+))?(?:\[([0-9]+)\])?([a-zA-Z%]?)")
_FORMAT = Parameter("format", STRING)
_ARGS = Parameter("args", DYNAMIC, nullable=True)
_WIDEST = 100_000
_EXACT = Context(prec=20_000)
_INTEGERS = {"b": "b", "d": "d", "o": "o", "x": "x", "X": "X"}


@frozen
class _Verb:
    text: str
    offset: int
    flags: str
    width: int
    precision: int | None
    mode: str


@define("format", _FORMAT, variadic=_ARGS)
def _format(layout: Value, *args: Value) -> Value:
    """A text whose verbs, such as %s and %d, are replaced with values."""
    return string(_formatted(layout.text, args))


@define("formatlist", _FORMAT, variadic=_ARGS)
def _format_list(layout: Value, *args: Value) -> Value:
    """A text with verbs for each element of the lists that are given."""
    lists = {at: a.elements for at, a in enumerate(args) if is_sequence(a.type) and not a.is_null}
    lengths = {at: len(elements) for at, elements in lists.items()}
    if len(set(lengths.values())) > 1:
        first, *others = lengths
        other = next(at for at in others if lengths[at] != lengths[first])
        message = (
            f"argument {other + 1} has length {lengths[other]}, which is inconsistent with"
            f" argument {first + 1} of length {lengths[first]}"
        )
        raise Unsuitable(message, argument=other + 1)
    count = next(iter(lengths.values()), 1)
    texts = []
    for index in range(count):
        row = [lists[at][index] if at in lists else arg for at, arg in enumerate(args)]
        try:
            texts.append(string(_formatted(layout.text, row)))
        except Unsuitable as error:
            raise Unsuitable(f"error on format iteration {index}: {error}") from None
    return list_of(texts, STRING)


def _formatted(layout: str, args: list[Value] | tuple[Value, ...]) -> str:
    pieces: list[str] = []
    offset = used = following = 0
    for match in _VERB.finditer(layout):
        pieces.append(layout[offset : match.start()])
        offset = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        verb = _verb(match)
        position = int(match[4]) - 1 if match[4] else following
        following = position + 1
        used = max(used, following)
        pieces.append(_value(verb, args, position))
    pieces.append(layout[offset:])
    if used < len(args) and used == 0:
        raise Unsuitable("too many arguments; no verbs in format string")
    if used < len(args):
        raise Unsuitable(f"too many arguments; only {used} used by format string")
    return "".join(pieces)


def _verb(match: re.Match[str]) -> _Verb:
    flags, width, precision, index, mode = match.groups()
    if not mode or mode == "%" or index == "0":
        raise Unsuitable(f"unrecognized format verb {quote(match[0])} at offset {match.start()}")
    if max(int(width or 0), int(precision or 0)) > _WIDEST:
        raise Unsuitable(f"the width or precision of {quote(match[0])} is too large")
    return _Verb(
        match[0],
        match.start(),
        flags,
        int(width or 0),
        None if precision is None else int(precision),
        mode,
    )


def _value(verb: _Verb, args: list[Value] | tuple[Value, ...], position: int) -> str:
    at = f"{quote(verb.text)} at {verb.offset}"
    if position >= len(args):
        raise Unsuitable(
            f"not enough arguments for {at}: need index {position + 1} but have {len(args)} total"
        )
    value = args[position]
    if value.is_null and verb.mode != "v":
        raise Unsuitable(f"unsupported value for {at}: null value cannot be formatted")
    try:
        match verb.mode:
            case "v":
                return _padded(verb, _as_is(verb, value))
            case "t":
                return "true" if convert(value, BOOL).is_true else "false"
            case "s" | "q":
                return _text(verb, convert(value, STRING).text)
            case "b" | "d" | "o" | "x" | "X":
                return _integer(verb, convert(value, NUMBER).number)
            case "e" | "E" | "f" | "g" | "G":
                return _float(verb, convert(value, NUMBER).number)
            case _:
                pass
    except Unsuitable as error:
        raise Unsuitable(f"unsupported value for {at}: {error}") from None
    raise Unsuitable(f"unsupported format verb {at}")


def _as_is(verb: _Verb, value: Value) -> str:
    if "#" not in verb.flags and not value.is_null:
        if value.type == STRING:
            return value.text
        if value.type == NUMBER:
            return _general(value.number, None)
    return to_json(value)


def _text(verb: _Verb, text: str) -> str:
    if verb.precision:
        text = "".join(graphemes(text)[: verb.precision])
    return _padded(verb, dumps(text) if verb.mode == "q" else text)


def _padded(verb: _Verb, text: str) -> str:
    missing = max(0, verb.width - len(graphemes(text)))
    padding = ("0" if "0" in verb.flags else " ") * missing
    return text + padding if "-" in verb.flags else padding + text


def _integer(verb: _Verb, content: Number) -> str:
    if not content.is_integer:
        raise Unsuitable("an integer is required")
    whole = int(content.value)
    digits = format(abs(whole), _INTEGERS[verb.mode]).zfill(verb.precision or 0)
    if "#" in verb.flags:
        digits = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb.mode, "") + digits
    return _signed(verb, digits, negative=whole < 0, zeros=verb.precision is None)


def _float(verb: _Verb, content: Number) -> str:
    positive = -content if content.value < 0 else content
    precision = verb.precision
    if verb.mode in "gG":
        digits = _general(positive, precision)
    elif verb.mode in "eE":
        digits = _scientific(positive, 6 if precision is None else precision)
    else:
        digits = format(_decimal(positive), f".{6 if precision is None else precision}f")
    if verb.mode.isupper():
        digits = digits.upper()
    return _signed(verb, digits, negative=content.value < 0, zeros=True)


def _signed(verb: _Verb, digits: str, *, negative: bool, zeros: bool) -> str:
    sign = "-" if negative else "+" if "+" in verb.flags else " " if " " in verb.flags else ""
    if "-" in verb.flags:
        return (sign + digits).ljust(verb.width)
    if "0" in verb.flags and zeros:
        return sign + digits.rjust(verb.width - len(sign), "0")
    return (sign + digits).rjust(verb.width)


def _decimal(content: Number) -> Decimal:
    return _EXACT.divide(Decimal(content.value.numerator), Decimal(content.value.denominator))


def _scientific(content: Number, precision: int) -> str:
    mantissa, _, exponent = format(_decimal(content), f".{precision}e").partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"


def _general(content: Number, precision: int | None) -> str:
    """Format with an exponent only if the number is very large or small."""
    shortest = _decimal(Number(content.value, content.precision)) if precision else None
    if shortest is not None and precision is not None:
        rounded = Context(prec=max(1, precision)).plus(shortest)
        return _laid_out(rounded, max(1, precision), limit=None)
    return _laid_out(Decimal(str(content)), None, limit=21 if content.value == 0 else 6)


def _laid_out(value: Decimal, precision: int | None, limit: int | None) -> str:
    sign, digits, exponent = _parts(value)
    point = len(digits) + exponent
    threshold = limit
    if threshold is None:
        threshold = precision or 1
        if threshold > len(digits) >= point:
            threshold = len(digits)
    if not -4 <= point - 1 < threshold and value:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        power = point - 1
        return f"{sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02}"
    return sign + format(Decimal(f"{digits}E{exponent}"), "f")


def _parts(value: Decimal) -> tuple[str, str, int]:
    """Split into the sign, the digits without zeros at the end, and the exponent of the last one."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    trimmed = text.rstrip("0") or "0"
    assert isinstance(exponent, int)
    return "-" if sign else "", trimmed, exponent + len(text) - len(trimmed)
