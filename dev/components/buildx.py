"""Fetch docker buildx from its Debian package, which this machine's own suite may lack."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components import debian
from components.settings import StackError

if TYPE_CHECKING:
    from components.settings import Settings

PACKAGE = "docker-buildx"
PROGRAM = Path("usr/libexec/docker/cli-plugins/docker-buildx")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def provide(settings: Settings) -> Path:
    """Fetch the program if it is missing; return its path. Raises StackError on failure."""
    program = settings.folder("buildx") / PROGRAM.name
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            _unpack(Path(scratch), debian.mirror(settings))
            (Path(scratch) / PROGRAM).rename(program)
    return program


def _unpack(folder: Path, mirror: str) -> None:
    """Download and unpack the package into a folder, with separate apt lists, without installing."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror} {debian.SUITE} main\n")
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    _run([*apt, "update"], folder)
    _run([*apt, "download", PACKAGE], folder)
    (package,) = folder.glob("*.deb")
    _run(["dpkg-deb", "--extract", str(package), str(folder)], folder)


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"LC_ALL": debian.LANGUAGE}
    process = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=environment
    )
    if process.returncode:
        raise StackError(f"{command[0]} could not provide {PACKAGE}:\n{process.stderr.strip()}")
