"""Fetch a newer Docker Engine and its containerd from their Debian packages.

The programs need no newer libraries than this machine has. runc is the machine's own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import debian, debian_packages

if TYPE_CHECKING:
    from components.settings import Settings

PACKAGES = ("docker.io", "containerd")
PROGRAMS = (
    "usr/sbin/dockerd",
    "usr/sbin/docker-proxy",
    "usr/bin/containerd",
    "usr/bin/containerd-shim-runc-v2",
)


def provide(settings: Settings, suite: str) -> Path:
    """Fetch the programs if they are missing; return their folder. Raises StackError on failure."""
    folder = settings.folder(f"docker-{suite}") / "bin"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            debian_packages.unpack(PACKAGES, Path(scratch), debian.mirror(settings), suite)
            programs = Path(scratch) / "programs"
            programs.mkdir()
            for name in PROGRAMS:
                (Path(scratch) / name).rename(programs / Path(name).name)
            programs.rename(folder)
    return folder
