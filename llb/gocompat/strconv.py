"""Parse booleans in flags and queries, as Go's ``strconv`` does."""

from __future__ import annotations

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def parse_switch(text: str) -> bool:
    """Parse a boolean as Go's ``strconv.ParseBool`` does. Raises ValueError."""
    if text not in (*_TRUE, *_FALSE):
        raise ValueError(f"invalid value: {text}")
    return text in _TRUE
