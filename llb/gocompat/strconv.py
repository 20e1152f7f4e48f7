"""Values of true or false in the fields of flags and in queries."""

from __future__ import annotations

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def parse_switch(text: str) -> bool:
    """Return what a word says that Go's ``strconv.ParseBool`` takes. Raises ValueError."""
    if text not in (*_TRUE, *_FALSE):
        raise ValueError(f"invalid value: {text}")
    return text in _TRUE
