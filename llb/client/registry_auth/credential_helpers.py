"""Credential helpers: programs that keep the passwords of Docker's users.

``docker-credential-NAME get`` reads a server and prints JSON (docker/docker-credential-helpers).
"""

from __future__ import annotations

import json
import shutil
import subprocess

from llb.child_processes import environment
from llb.errors import InputError

_HELPER_SECONDS = 30.0


def ask(helper: str, server: str) -> tuple[str, str] | None:
    """Return the name and the secret that a helper knows, None where it knows nothing.

    Raises InputError for a helper that is not there or fails.
    """
    program = f"docker-credential-{helper}"
    if shutil.which(program) is None:
        raise InputError(
            f"docker's config.json names the credential helper {program}, which is not on PATH"
        )
    try:
        done = subprocess.run(
            [program, "get"],
            env=environment(),
            input=server.encode(),
            capture_output=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{program} gave no credentials for {server}: {_reason(error)}") from error
    words = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode:
        if "not found" in words:
            return None
        raise InputError(f"{program} gave no credentials for {server}: {' '.join(words.split())}")
    try:
        answer = json.loads(done.stdout)
        return str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{program} gave no credentials for {server}: no JSON of them") from error


def _reason(error: OSError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it does not end within {_HELPER_SECONDS:.0f} seconds"
    return error.strerror or str(error)
