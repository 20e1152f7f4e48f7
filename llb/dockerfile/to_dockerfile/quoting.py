"""Texts as they are written in a Dockerfile, so that they mean themselves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MEANING = re.compile(r"([\\$\"'])")
_PLAIN = re.compile(r"(?!#)[^\s\\$\"'\[<`]+\Z")
_UNUSUAL = re.compile(r"[\s\\$\"'`]")


@frozen
class Unsayable(Exception):  # noqa: N818 - it is told with others
    """What a Dockerfile has no words for."""

    reason: str


def word(text: str) -> str:
    """Return a text as a word whose variables are replaced. Raises Unsayable."""
    if "\n" in text or "\r" in text or "\0" in text:
        raise Unsayable("a text of several lines")
    return _MEANING.sub(r"\\\1", text)


def value(text: str) -> str:
    """Return the value of a variable or label."""
    return text if _PLAIN.match(text) else f'"{_in_quotes(text)}"'


def _in_quotes(text: str) -> str:
    word(text)
    return re.sub(r"([\\$\"])", r"\\\1", text)


def words(texts: Sequence[str]) -> str:
    """Return paths, as an array of JSON where one has spaces."""
    if all(_PLAIN.match(each) and not each.startswith("--") for each in texts):
        return " ".join(texts)
    return array([word(each) for each in texts])


def array(texts: Iterable[str]) -> str:
    """Return an array of JSON."""
    return json.dumps(list(texts), ensure_ascii=False)


def flag(name: str, text: str) -> str:
    """Return a flag. Raises Unsayable for a text with signs that mean something in one."""
    if _UNUSUAL.search(text):
        raise Unsayable(f"{text!r} in --{name}")
    return f"--{name}={text}"


def fields(**given: str | None) -> str:
    """Return the fields of a ``--mount``. Raises Unsayable."""
    kept = {key: each for key, each in given.items() if each is not None}
    for each in kept.values():
        if "," in each or _UNUSUAL.search(each):
            raise Unsayable(f"{each!r} in --mount")
    return "--mount=" + ",".join(f"{key}={each}" if each else key for key, each in kept.items())
