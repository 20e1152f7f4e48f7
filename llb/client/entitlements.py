"""Entitlements: privileges of steps that both the daemon and the client must allow."""

from __future__ import annotations

from llb.errors import InvalidValueError, did_you_mean

_NAMES = ("network.host", "security.insecure")
_DEVICE = "device"


def to_entitlement(text: str) -> str:
    """Check an entitlement: ``network.host``, ``security.insecure`` or ``device[=NAME]``.

    Raises InvalidValueError.
    """
    name = text.partition("=")[0]
    if text not in _NAMES and name != _DEVICE:
        names = (*_NAMES, _DEVICE)
        raise InvalidValueError(
            f"unknown entitlement {text!r}: expected {', '.join(names)}",
            hint=did_you_mean(text, names),
        )
    return text
