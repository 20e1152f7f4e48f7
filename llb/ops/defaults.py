"""Defaults for processes and mounts."""

from __future__ import annotations

WINDOWS_SHELL = ("cmd", "/S", "/C")
SECRETS = "/run/secrets/"
SECRET_MODE = 0o400
SSH_MODE = 0o600
