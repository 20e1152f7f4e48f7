"""Credential helpers: programs that store registry passwords for Docker.

``docker-credential-NAME get`` reads a server name and prints JSON
(docker/docker-credential-helpers).
"""

from __future__ import annotations

import json
import shutil
import subprocess

from llb.child_processes import environment
from llb.errors import InputError

_HELPER_SECONDS = 30.0


def ask(helper: str, server: str) -> tuple[str, str] | None:
    """Query a helper for the user name and secret of a server; None if it has none.

    Raises InputError if the helper is missing or fails.
    """
    program = f"docker-credential-{helper}"
    if shutil.which(program) is None:
        raise InputError(
            f"docker's config.json names the credential helper {program}, which is not on PATH"
        )
    try:
        result = subprocess.run(
            [program, "get"],
            env=environment(),
            input=server.encode(),
            capture_output=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{program} gave no credentials for {server}: {_reason(error)}") from error
    output = (result.stdout + result.stderr).decode(errors="replace")
    if result.returncode:
        if "not found" in output:
            return None
        raise InputError(f"{program} gave no credentials for {server}: {' '.join(output.split())}")
    try:
        answer = json.loads(result.stdout)
        return str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{program} gave no credentials for {server}: invalid JSON") from error


def _reason(error: OSError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it did not exit within {_HELPER_SECONDS:.0f} seconds"
    return error.strerror or str(error)
