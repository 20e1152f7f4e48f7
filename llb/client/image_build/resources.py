"""Limits of the resources of each step: memory and processors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llb.arguments.conversions import to_size
from llb.client.image_build.values import several, to_mapping
from llb.errors import InvalidValueError, did_you_mean

# Attributes of BuildKit's Dockerfile frontend, by the names of Docker's options.
ATTRIBUTES: Mapping[str, str] = {
    "memory": "memory",
    "memory-swap": "memswap",
    "cpu-shares": "cpushares",
    "cpu-period": "cpuperiod",
    "cpu-quota": "cpuquota",
    "cpuset-cpus": "cpusetcpus",
    "cpuset-mems": "cpusetmems",
}
_SIZES = ("memory", "memory-swap")
_COUNTS = ("cpu-shares", "cpu-period", "cpu-quota")
_UNLIMITED = "-1"
_COUNT = re.compile(r"[+-]?[0-9]+\Z")


def to_resources(value: object, label: str = "resources") -> dict[str, str]:
    """Convert limits by name, or strings ``NAME=LIMIT``, to a mapping with sizes in bytes.

    Raises InvalidValueError.

    >>> to_resources({"memory": "64m"}), to_resources("cpu-shares=512")
    ({'memory': '67108864'}, {'cpu-shares': '512'})
    """
    limits = {}
    for name, limit in _limits(value, label).items():
        if name not in ATTRIBUTES:
            raise InvalidValueError(
                f"unknown name {name!r} in {label}: expected {', '.join(ATTRIBUTES)}",
                hint=did_you_mean(name, ATTRIBUTES),
            )
        limits[name] = _to_limit(name, limit, label)
    return limits


def resource_attrs(limits: Mapping[str, str]) -> dict[str, str]:
    """Convert limits to attributes of the frontend; numbers below 1 are no limits, as in buildx."""
    return {ATTRIBUTES[name]: limit for name, limit in limits.items() if _is_limit(name, limit)}


def _is_limit(name: str, limit: str) -> bool:
    if name in (*_SIZES, *_COUNTS):
        return int(limit) > 0 or (limit == _UNLIMITED and name in _SIZES)
    return bool(limit)


def _limits(value: object, label: str) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return to_mapping(value, label)
    limits: dict[str, object] = {}
    for text in several(value, label):
        name, equals, limit = text.partition("=") if isinstance(text, str) else ("", "", "")
        if not equals:
            raise InvalidValueError(f"invalid {label} {text!r}: expected NAME=LIMIT")
        limits[name.strip()] = limit.strip()
    return limits


def _to_limit(name: str, limit: object, label: str) -> str:
    text = str(limit)
    if isinstance(limit, bool) or not isinstance(limit, str | int):
        raise InvalidValueError(f"invalid {label} {name}={text}: expected a string or a number")
    if name in _SIZES:
        is_unlimited = name == "memory-swap" and text == _UNLIMITED
        return text if is_unlimited else str(to_size(text, f"{label} {name}"))
    if name in _COUNTS and not _COUNT.match(text):
        raise InvalidValueError(f"invalid {label} {name}={text}: expected a whole number")
    return text
