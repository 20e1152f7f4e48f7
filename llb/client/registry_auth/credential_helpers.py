"""Credential helpers: programs that store registry passwords for Docker.

``docker-credential-NAME get`` reads a server name and prints JSON
(docker/docker-credential-helpers).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

from llb.child_processes import environment, locate
from llb.errors import InputError

_HELPER_SECONDS = 30.0
_PREFIX = "docker-credential-"
# What a helper prints to standard output, alone, if it has no credentials for a server.
_NONE = "credentials not found in native keychain"
_STORES = {"darwin": "osxkeychain", "win32": "wincred"}


def ask(helper: str, server: str) -> tuple[str, str] | None:
    """Query a helper for the user name and secret of a server; None if it has none.

    Raises InputError if the helper is missing or fails.
    """
    program = f"{_PREFIX}{helper}"
    path = locate(program)
    if path is None:
        raise InputError(
            f"docker's config.json names the credential helper {program}, which is not on PATH"
        )
    try:
        result = subprocess.run(
            [path, "get"],
            env=environment(),
            input=server.encode(),
            capture_output=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{program} gave no credentials for {server}: {_reason(error)}") from error
    output = result.stdout.decode(errors="replace").strip()
    if result.returncode and output == _NONE:
        return None
    if result.returncode:
        problem = _problem(output, result.stderr.decode(errors="replace"))
        raise InputError(
            f"{program} gave no credentials for {server}: {problem or _status(result.returncode)}"
        )
    try:
        return _parse(output)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{program} gave no credentials for {server}: invalid JSON") from error


def default_store() -> str | None:
    """Find the helper that Docker uses on this system if its configuration names none."""
    linux = "pass" if shutil.which("pass") else "secretservice"
    store = _STORES.get(sys.platform, linux)
    return store if locate(f"{_PREFIX}{store}") else None


def _parse(output: str) -> tuple[str, str]:
    """Read the first JSON value as Go does: names in any case, and missing values are empty."""
    answer, _ = json.JSONDecoder().raw_decode(output)
    fields: dict[str, Any] = {str(key).lower(): value for key, value in dict(answer).items()}
    name, secret = (fields.get(key) or "" for key in ("username", "secret"))
    if not isinstance(name, str) or not isinstance(secret, str):
        raise TypeError("expected strings")
    return name, secret


def _problem(output: str, errors: str) -> str:
    """Combine what a failed helper has printed, but no answer, which may have a secret."""
    shown = "" if output.startswith("{") else output
    return " ".join(f"{shown} {errors}".split())


def _status(code: int) -> str:
    return f"it exited with status {code}"


def _reason(error: OSError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it did not exit within {_HELPER_SECONDS:.0f} seconds"
    return error.strerror or str(error)
