"""Values of options in the forms that people write: one or several, sizes, hosts, limits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from llb._lazy import lazy_imports
from llb.arguments.kinds import Text
from llb.buildkit_names import HOST_GATEWAY
from llb.errors import InvalidValueError, did_you_mean

with lazy_imports(__name__):
    import ipaddress  # 1 ms

_TEXT = Text()
_UNLIMITED = -1
_LIMIT = re.compile(r"(-?[0-9]+)(?::(-?[0-9]+))?\Z")


def several(value: object, label: str) -> tuple[Any, ...]:
    """Convert one value or several to a tuple; None is an empty one.

    A string, a path, and anything else that is not iterable is one value. Raises InvalidValueError
    for bytes, mappings and booleans.

    >>> several("app", "tags"), several(["a", "b"], "tags")
    (('app',), ('a', 'b'))
    """
    if value is None:
        return ()
    if isinstance(value, bool | bytes | Mapping):
        raise invalid(label, value, "one value or several")
    if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable):
        return (value,)
    return tuple(value)


def strings(value: object, label: str) -> tuple[str, ...]:
    """Convert one string or several to a tuple. Raises InvalidValueError."""
    return tuple(to_string(text, label) for text in several(value, label))


def to_string(value: object, label: str) -> str:
    """Check that a value is a string that is not empty. Raises InvalidValueError."""
    if not isinstance(value, str) or not value:
        raise invalid(label, value, "a string that is not empty")
    return _TEXT.accept(value, label)


def to_flag(value: object, label: str) -> bool:
    """Check that a value is a boolean. Raises InvalidValueError."""
    if not isinstance(value, bool):
        raise invalid(label, value, "True or False")
    return value


def to_flag_or_string(value: object, label: str) -> bool | str:
    """Check that a value is a boolean or a string. Raises InvalidValueError."""
    if not isinstance(value, bool | str):
        raise invalid(label, value, "True, False or a string")
    return value if isinstance(value, bool) else _TEXT.accept(value, label)


def to_mapping(value: object, label: str) -> Mapping[str, Any]:
    """Check that a value is a mapping with strings as keys; None is an empty one.

    Raises InvalidValueError.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(label, value, "a mapping")
    for key in value:
        to_string(key, f"name in {label}")
    return value


def to_text_mapping(value: object, label: str) -> dict[str, str]:
    """Convert the values of a mapping to strings: numbers and paths are taken, too.

    Raises InvalidValueError, also for booleans, which programs spell differently.

    >>> to_text_mapping({"VERSION": 3}, "build_args")
    {'VERSION': '3'}
    """
    return {
        key: _to_text(text, f"{label}[{key!r}]") for key, text in to_mapping(value, label).items()
    }


def to_hosts(value: object, label: str = "extra_hosts") -> dict[str, str]:
    """Convert host names with addresses, or strings ``NAME:IP``, to a mapping.

    A host may have several addresses, separated by commas. Raises InvalidValueError.

    >>> to_hosts(["db:10.0.0.1", "cache=10.0.0.2,[::2]"])
    {'db': '10.0.0.1', 'cache': '10.0.0.2,::2'}
    """
    if isinstance(value, Mapping):
        return {
            name: _to_addresses(to_string(address, f"{label}[{name!r}]"), f"{label}[{name!r}]")
            for name, address in to_mapping(value, label).items()
        }
    hosts: dict[str, str] = {}
    for text in several(value, label):
        name, addresses = _to_host(text, label)
        hosts[name] = f"{hosts[name]},{addresses}" if name in hosts else addresses
    return hosts


def to_ulimits(value: object, label: str = "ulimits") -> dict[str, int | tuple[int, int]]:
    """Convert limits by name, or strings ``NAME=SOFT[:HARD]``, to a mapping.

    Raises InvalidValueError.

    >>> to_ulimits({"nofile": "10:20"}), to_ulimits(["core=-1"])
    ({'nofile': (10, 20)}, {'core': -1})
    """
    if isinstance(value, Mapping):
        return {
            name: _to_limit(limit, f"{label}[{name!r}]", limit, "SOFT[:HARD]")
            for name, limit in to_mapping(value, label).items()
        }
    limits = {}
    for text in several(value, label):
        name, _, limit = text.partition("=") if isinstance(text, str) else ("", "", "")
        expected = limit if re.fullmatch("[a-z]+", name) else None
        limits[name] = _to_limit(expected, label, text, "NAME=SOFT[:HARD]")
    return limits


def is_address(text: str) -> bool:
    """Check whether a text is an IP address, which may be in brackets."""
    try:
        _to_address(text, "")
    except InvalidValueError:
        return False
    return True


def to_choice(value: object, label: str, choices: Iterable[str]) -> str:
    """Check that a value is one of several words. Raises InvalidValueError."""
    words = tuple(choices)
    if value not in words:
        raise InvalidValueError(
            f"invalid {label} {value!r}: expected {', '.join(words)}",
            hint=did_you_mean(value, words) if isinstance(value, str) else None,
        )
    return str(value)


def invalid(label: str, value: object, expected: str) -> InvalidValueError:
    """Create the error for an invalid value; a long value is shortened."""
    text = repr(value)
    shown = text if len(text) <= 80 else f"{text[:77]}…"
    return InvalidValueError(f"invalid {label} {shown}: expected {expected}")


def _to_text(value: object, label: str) -> str:
    if isinstance(value, str | int | float | os.PathLike) and not isinstance(value, bool):
        return _TEXT.accept(str(value), label)
    raise invalid(label, value, "a string, a number or a path")


def _to_host(text: object, label: str) -> tuple[str, str]:
    name, separator, address = (
        re.sub("[:=]", "\0", text, count=1).partition("\0")
        if isinstance(text, str)
        else ("", "", "")
    )
    if not separator or not name or not address:
        raise InvalidValueError(f"invalid {label} {text!r}: expected NAME:IP")
    return name, _to_addresses(address, label)


def _to_addresses(text: str, label: str) -> str:
    """Check the addresses of a host, separated by commas; IPv6 may be in brackets."""
    if text == HOST_GATEWAY:
        return text
    return ",".join(_to_address(address, label) for address in text.split(","))


def _to_address(text: str, label: str) -> str:
    address = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidValueError(f"invalid {label} {text!r}: expected an IP address") from None
    if "%" in address:
        raise InvalidValueError(f"invalid {label} {text!r}: an IP address of a host has no zone")
    return address


def _to_limit(limit: object, label: str, value: object, expected: str) -> int | tuple[int, int]:
    match limit:
        case bool():
            pass
        case int():
            return limit
        case (int() as soft, int() as hard):
            return _check_limits(soft, hard, label)
        case str() if parsed := _LIMIT.match(limit):
            first, second = parsed.groups()
            if second is None:
                return int(first)
            return _check_limits(int(first), int(second), label)
    raise InvalidValueError(f"invalid {label} {value!r}: expected {expected}")


def _check_limits(soft: int, hard: int, label: str) -> tuple[int, int]:
    """Refuse a soft limit above the hard one; -1 is no limit."""
    if hard != _UNLIMITED and (soft > hard or soft == _UNLIMITED):
        raise InvalidValueError(
            f"invalid {label} {soft}:{hard}: the soft limit is above the hard limit"
        )
    return soft, hard
