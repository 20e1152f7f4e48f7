"""How long a daemon may be silent before its connection counts as broken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "LLB_KEEPALIVE"
_DEFAULT_SECONDS = 60.0


def keepalive_seconds(environ: Mapping[str, str] = os.environ) -> float | None:
    """Read the limit from the environment, in seconds; None for none. Raises InvalidValueError.

    >>> keepalive_seconds({}), keepalive_seconds({"LLB_KEEPALIVE": "0"})
    (60.0, None)
    """
    value = environ.get(VARIABLE) or str(_DEFAULT_SECONDS)
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InvalidValueError(
            f"invalid {VARIABLE} {value!r}: expected a number of seconds, 0 for no limit"
        )
    return seconds or None
