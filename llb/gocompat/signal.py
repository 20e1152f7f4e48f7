"""Validate signals for STOPSIGNAL: numbers, and the names of Linux on every platform."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_COMMON = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT "
    "STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
_NAMES = frozenset(
    [
        *_COMMON.split(),
        *(f"RTMIN+{number}" for number in range(1, 16)),
        *(f"RTMAX-{number}" for number in range(1, 15)),
    ]
)


def is_signal(text: str) -> bool:
    """Check whether ``text`` is a nonzero number, or a signal name with or without SIG."""
    if _NUMBER.match(text):
        return int(text) != 0
    return text.upper().removeprefix("SIG") in _NAMES
