"""What processes and their mounts have where nothing else is chosen."""

from __future__ import annotations

# BuildKit's ``system.DefaultPathEnvUnix``.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = ("/bin/sh", "-c")
WINDOWS_SHELL = ("cmd", "/S", "/C")
SECRETS = "/run/secrets/"
SECRET_MODE = 0o400
SSH_MODE = 0o600
