"""Fetch newer Docker Engines: from their Debian packages, or the newest one from its source.

The packaged programs need no newer libraries than this machine has, and run the machine's runc.
The newest engine needs a newer runc, which is built with it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import binaries, debian, debian_packages, packages
from components.settings import TOOLS

if TYPE_CHECKING:
    from components.settings import Settings

PACKAGES = ("docker.io", "containerd")
PROGRAMS = (
    "usr/sbin/dockerd",
    "usr/sbin/docker-proxy",
    "usr/bin/containerd",
    "usr/bin/containerd-shim-runc-v2",
)
# The name of the engine that is built from source, and the Debian suite of its containerd.
SOURCE = "source"
SOURCE_SUITE = "forky"
MODULE = TOOLS.parent / "dockerd"
DOCKERD = "github.com/moby/moby/v2/cmd/dockerd"
RUNC = "github.com/opencontainers/runc"
RUNC_LIBRARIES = ("libseccomp-dev", "pkg-config")


def provide(settings: Settings, suite: str) -> Path:
    """Fetch the programs if they are missing; return their folder.

    ``suite`` is one of Debian's, or SOURCE. Raises StackError on failure.
    """
    folder = settings.folder(f"docker-{suite}") / "bin"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            programs = Path(scratch) / "programs"
            if suite == SOURCE:
                _build(settings, programs)
            else:
                _unpack(settings, suite, Path(scratch), programs)
            programs.rename(folder)
    return folder


def _unpack(settings: Settings, suite: str, scratch: Path, programs: Path) -> None:
    debian_packages.unpack(PACKAGES, scratch, debian.mirror(settings), suite)
    programs.mkdir()
    for name in PROGRAMS:
        (scratch / name).rename(programs / Path(name).name)


def _build(settings: Settings, programs: Path) -> None:
    """Build dockerd and runc, next to copies of the other programs of Debian's newest package."""
    shutil.copytree(provide(settings, SOURCE_SUITE), programs)
    (programs / "dockerd").unlink()
    packages.install(RUNC_LIBRARIES)
    binaries.go_build(MODULE, programs, DOCKERD)
    binaries.go_build(MODULE, programs, RUNC, "-tags", "seccomp", has_c_code=True)
