"""Functions with regular expressions in Go's syntax, matched by Python's ``re``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import STRING, ObjectType, TupleType, Type
from llb.bake.values.value import Value, list_of, null, object_of, string, tuple_of
from llb.gocompat.python_regexp import to_python

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERN = Parameter("pattern", STRING)
_STRING = Parameter("string", STRING)
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


@define("regex", _PATTERN, _STRING)
def _regex(pattern: Value, text: Value) -> Value:
    """The first match of an expression, or the groups of it."""
    compiled = _compiled(pattern.text)
    _kind(compiled)
    match = compiled.search(text.text)
    if match is None:
        raise Unsuitable("pattern did not match any part of the given string")
    return _result(match)


@define("regexall", _PATTERN, _STRING)
def _regex_all(pattern: Value, text: Value) -> Value:
    """All matches of an expression, or their groups."""
    compiled = _compiled(pattern.text)
    kind = _kind(compiled)
    return list_of(map(_result, _matches(compiled, text.text)), kind)


@define("regex_replace", Parameter("str", STRING), _PATTERN, Parameter("replace", STRING))
def _regex_replace(text: Value, pattern: Value, replace: Value) -> Value:
    """The string with all matches of an expression replaced; $1 is a group."""
    pieces: list[str] = []
    offset = 0
    for match in _matches(_compiled(pattern.text, argument=1), text.text):
        pieces += text.text[offset : match.start()], _expanded(replace.text, match)
        offset = match.end()
    return string("".join(pieces) + text.text[offset:])


@lru_cache
def _compiled(pattern: str, argument: int = 0) -> re.Pattern[str]:
    try:
        return re.compile(to_python(pattern))
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        message = f"invalid regexp pattern: {error} in {pattern}"
        raise Unsuitable(message, argument=argument) from None


def _matches(compiled: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Find all matches; Go has no empty one at the end of the match before."""
    end = -1
    for match in compiled.finditer(text):
        if match.start() == match.end() == end:
            continue
        end = match.end()
        yield match


def _kind(compiled: re.Pattern[str]) -> Type:
    if not compiled.groups:
        return STRING
    if not compiled.groupindex:
        return TupleType((STRING,) * compiled.groups)
    if len(compiled.groupindex) < compiled.groups:
        message = "invalid regexp pattern: cannot mix both named and unnamed capture groups"
        raise Unsuitable(message, argument=0)
    return ObjectType.of(dict.fromkeys(compiled.groupindex, STRING))


def _result(match: re.Match[str]) -> Value:
    if not match.re.groups:
        return string(match[0])
    if match.re.groupindex:
        return object_of({name: _group(text) for name, text in match.groupdict().items()})
    return tuple_of(map(_group, match.groups()))


def _group(text: str | None) -> Value:
    return null(STRING) if text is None else string(text)


def _expanded(template: str, match: re.Match[str]) -> str:
    def referenced(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isdecimal():
            return (match[int(name)] or "") if int(name) <= match.re.groups else ""
        return (match[name] or "") if name in match.re.groupindex else ""

    return _REFERENCE.sub(referenced, template)
