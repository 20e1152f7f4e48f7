"""Quote strings for a Dockerfile."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\$\"'])")
_PLAIN = re.compile(r"(?!#)[^\s\\$\"'\[<`]+\Z")
_UNSAFE = re.compile(r"[\s\\$\"'`]")


@frozen
class NotExpressible(Exception):  # noqa: N818 - collected, then reported together
    """A step or value that a Dockerfile cannot express."""

    reason: str


def word(string: str) -> str:
    """Escape a string for a word with variable expansion. Raises NotExpressible."""
    if "\n" in string or "\r" in string or "\0" in string:
        raise NotExpressible("a line break or NUL character in a value")
    return _SPECIAL.sub(r"\\\1", string)


def value(string: str) -> str:
    """Quote the value of a variable or label."""
    return string if _PLAIN.match(string) else f'"{_in_quotes(string)}"'


def _in_quotes(string: str) -> str:
    word(string)
    return re.sub(r"([\\$\"])", r"\\\1", string)


def words(paths: Sequence[str]) -> str:
    """Join paths, as a JSON array if one needs quotes."""
    if all(_PLAIN.match(path) and not path.startswith("--") for path in paths):
        return " ".join(paths)
    return array([word(path) for path in paths])


def array(strings: Iterable[str]) -> str:
    """Write a JSON array."""
    return json.dumps(list(strings), ensure_ascii=False)


def flag(name: str, string: str) -> str:
    """Write a flag. Raises NotExpressible if the value has special characters."""
    if _UNSAFE.search(string):
        raise NotExpressible(f"{string!r} in --{name}")
    return f"--{name}={string}"


def fields(flag_name: str, /, **options: str | None) -> str:
    """Write a flag with fields, such as ``--mount``. Raises NotExpressible."""
    present = {key: string for key, string in options.items() if string is not None}
    for string in present.values():
        if "," in string or _UNSAFE.search(string):
            raise NotExpressible(f"{string!r} in --{flag_name}")
    return f"--{flag_name}=" + ",".join(
        f"{key}={string}" if string else key for key, string in present.items()
    )
