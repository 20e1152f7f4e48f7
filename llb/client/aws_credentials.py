"""Find the credentials of AWS on this machine, for caches in S3."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# The attributes of a cache, and the variables that AWS documents for all of its tools.
_VARIABLES = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
}


def find(environ: Mapping[str, str]) -> dict[str, str]:
    """Find credentials by the names of a cache's attributes; empty without any.

    With the package botocore they may also be in the files of AWS, and come from single sign-on or
    from the role of a machine.
    """
    found = {key: environ[name] for key, name in _VARIABLES.items() if environ.get(name)}
    if {"access_key_id", "secret_access_key"} <= found.keys():
        return found
    try:
        credentials: Any = resolve_name("botocore.session:get_session")().get_credentials()
    except ImportError:
        return {}
    if credentials is None:
        return {}
    frozen = credentials.get_frozen_credentials()
    values = zip(_VARIABLES, (frozen.access_key, frozen.secret_key, frozen.token), strict=True)
    return {key: value for key, value in values if value}
