"""Fetch docker buildx from its Debian package, which this machine's own suite may lack."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import debian, debian_packages

if TYPE_CHECKING:
    from components.settings import Settings

PACKAGE = "docker-buildx"
PROGRAM = Path("usr/libexec/docker/cli-plugins/docker-buildx")


def provide(settings: Settings) -> Path:
    """Fetch the program if it is missing; return its path. Raises StackError on failure."""
    program = settings.folder("buildx") / PROGRAM.name
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            debian_packages.unpack([PACKAGE], Path(scratch), debian.mirror(settings))
            (Path(scratch) / PROGRAM).rename(program)
    return program
