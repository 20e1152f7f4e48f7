"""semvercmp: whether a version satisfies a constraint, such as ``>= 1.2, < 2``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import STRING
from llb.bake.values.value import Value, boolean

if TYPE_CHECKING:
    from collections.abc import Callable

# A part of a prerelease: a number without zeros in front, or a name.
_NAMED = r"(?!0[0-9]+(?![0-9A-Za-z-]))[0-9A-Za-z-]+"
_SUFFIX = rf"(?:-({_NAMED}(?:\.{_NAMED})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_NUMBER = "([0-9]+)"
_VERSION = re.compile(rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?{_SUFFIX}")
_PART = r"([0-9xX*|]+)"
_CONSTRAINT_VERSION = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?{_SUFFIX}"
_OPERATORS = r"!=|>=|=>|<=|=<|~>|\^|=|>|<|~|"
_CONSTRAINT = re.compile(rf"\s*({_OPERATORS})\s*{_CONSTRAINT_VERSION}\s*(?:,\s*|(?=\s|$))")
_WHOLE = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")


@frozen
class _Version:
    numbers: tuple[int, int, int]
    prerelease: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What versions are compared by: a release comes after its prereleases."""
        if not self.prerelease:
            return (*self.numbers, 1)
        parts = (
            (0, int(part), "") if part.isdecimal() else (1, 0, part)
            for part in self.prerelease.split(".")
        )
        return (*self.numbers, 0, *parts)


@frozen
class _Constraint:
    operator: str
    version: _Version
    # How many numbers the constraint has; the rest are x.
    known: int = field(default=3)


@define("semvercmp", Parameter("version", STRING), Parameter("constraint", STRING))
def _semvercmp(version: Value, constraint: Value) -> Value:
    """Whether a version satisfies a constraint."""
    candidate = _parsed(version.text)
    alternatives = [_constraints(part) for part in _ranges(constraint.text).split("||")]
    return boolean(any(_satisfies(candidate, each) for each in alternatives))


def _parsed(text: str) -> _Version:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise Unsuitable(f"invalid semantic version: {text}", argument=0)
    major, minor, patch = (int(part or 0) for part in match.groups()[:3])
    return _Version((major, minor, patch), match[4] or "")


def _ranges(text: str) -> str:
    """Write ranges such as ``1.2 - 1.4`` as two constraints."""
    return "||".join(_WHOLE.sub(r">=\1, <=\2", part) for part in text.split("||"))


def _constraints(text: str) -> list[_Constraint]:
    if not text.strip():
        return _improper(text)
    found: list[_Constraint] = []
    offset = 0
    while text[offset:].strip():
        match = _CONSTRAINT.match(text, offset)
        if match is None:
            return _improper(text)
        offset = match.end()
        found.append(_constraint(match))
    return found


def _improper(text: str) -> list[_Constraint]:
    raise Unsuitable(f"improper constraint: {text}", argument=1)


def _constraint(match: re.Match[str]) -> _Constraint:
    operator, *parts, prerelease = match.groups()
    numbers = [0, 0, 0]
    known = 0
    for at, part in enumerate(parts):
        if part is None or part in {"x", "X", "*"}:
            break
        if not part.isdecimal():
            raise Unsuitable("constraint parser error", argument=1)
        numbers[at] = int(part)
        known += 1
    version = _Version((numbers[0], numbers[1], numbers[2]), prerelease or "")
    return _Constraint(operator, version, known)


def _satisfies(version: _Version, constraints: list[_Constraint]) -> bool:
    """Check all constraints; prereleases satisfy none, unless one of them names a prerelease."""
    if version.prerelease and not any(each.version.prerelease for each in constraints):
        return False
    return all(_CHECKS[each.operator](version, each) for each in constraints)


def _equal(version: _Version, constraint: _Constraint) -> bool:
    if constraint.known < 3:
        return _tilde(version, constraint)
    return version.key == constraint.version.key


def _not_equal(version: _Version, constraint: _Constraint) -> bool:
    known = max(constraint.known, 1)
    if constraint.known == 3:
        return version.key != constraint.version.key
    if version.numbers[:known] != constraint.version.numbers[:known]:
        return True
    return constraint.known == 2 and version.prerelease != constraint.version.prerelease


def _greater(version: _Version, constraint: _Constraint) -> bool:
    if constraint.known == 3:
        return version.key > constraint.version.key
    if constraint.known == 0:
        return version.numbers[0] > 0 or version.key > constraint.version.key
    return version.numbers[: constraint.known] > constraint.version.numbers[: constraint.known]


def _less(version: _Version, constraint: _Constraint) -> bool:
    return version.key < constraint.version.key


def _greater_or_equal(version: _Version, constraint: _Constraint) -> bool:
    return version.key >= constraint.version.key


def _less_or_equal(version: _Version, constraint: _Constraint) -> bool:
    if constraint.known == 3:
        return version.key <= constraint.version.key
    if constraint.known == 0:
        return version.numbers[:2] <= (0, 0)
    return version.numbers[: constraint.known] <= constraint.version.numbers[: constraint.known]


def _tilde(version: _Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if version.key < wanted.key:
        return False
    if wanted.numbers == (0, 0, 0) and constraint.known in {0, 3}:
        return True
    known = min(max(constraint.known, 1), 2)
    return version.numbers[:known] == wanted.numbers[:known]


def _caret(version: _Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if version.key < wanted.key:
        return False
    if wanted.numbers[0] > 0 or constraint.known == 1:
        return version.numbers[0] == wanted.numbers[0]
    if version.numbers[0] > 0 and constraint.known:
        return False
    if not constraint.known:
        return True
    if wanted.numbers[1] > 0 or constraint.known == 2:
        return version.numbers[1] == wanted.numbers[1]
    return version.numbers[:3] == wanted.numbers[:3]


_CHECKS: dict[str, Callable[[_Version, _Constraint], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _greater_or_equal,
    "=>": _greater_or_equal,
    "<=": _less_or_equal,
    "=<": _less_or_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
