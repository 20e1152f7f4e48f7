"""How many targets are built at the same time, and what the failure of one means for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from attrs import frozen

from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.csv import split_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

Mode: TypeAlias = Literal["fail-fast", "defer-error", "defer-output"]
_MODES = get_args(Mode)
_KEYS = ("mode", "parallel")
_EXAMPLE = "for example 2, defer-error, or defer-error,parallel=2"


@frozen
class Jobs:
    """Options of ``--jobs``; with ``parallel`` 0, all targets are built at the same time."""

    mode: Mode = "fail-fast"
    parallel: int = 0

    @classmethod
    def parse(cls, text: str) -> Jobs:
        """Parse ``2``, ``defer-error`` or ``defer-error,parallel=2``. Raises InvalidValueError.

        >>> Jobs.parse("defer-error,parallel=2")
        Jobs(mode='defer-error', parallel=2)
        """
        values: dict[str, str] = {}
        for field in _fields(text.strip()):
            first, equals, second = (part.strip() for part in field.partition("="))
            is_number = not equals and first.removeprefix("-").isdecimal()
            key = first.lower() if equals else "parallel" if is_number else "mode"
            if key not in _KEYS:
                raise _invalid(text, f"unknown key {key!r}", did_you_mean(key, _KEYS))
            if key in values:
                raise _invalid(text, f"two values for {key}", None)
            values[key] = second if equals else first
        mode, parallel = values.get("mode", "fail-fast"), values.get("parallel", "0")
        if mode not in _MODES:
            raise _invalid(text, f"unknown mode {mode!r}", did_you_mean(mode, _MODES))
        if not (parallel.isascii() and parallel.isdecimal()):
            raise _invalid(text, f"{parallel!r} is not a number of targets", None)
        return cls(cast("Mode", mode), int(parallel))

    def check(self, targets: int, *, are_linked: bool) -> None:
        """Raise InvalidValueError if targets that need each other could not be built together."""
        if not 0 < self.parallel < targets:
            return
        if self.mode == "defer-output":
            reason = "with defer-output, all targets are built before one is exported"
        elif are_linked:
            reason = "targets that others use as contexts stay active until those are built"
        else:
            return
        raise InvalidValueError(
            f"jobs allow {self.parallel} targets at the same time, but there are {targets}: {reason}",
            hint=f"allow {targets} or more",
        )


def _fields(text: str) -> Sequence[str]:
    try:
        return split_csv(text) if text else ()
    except ValueError as error:
        raise _invalid(text, str(error), None) from None


def _invalid(text: str, reason: str, hint: str | None) -> InvalidValueError:
    return InvalidValueError(f"invalid jobs {text!r}: {reason}", hint=hint or _EXAMPLE)
