"""Download Debian packages of another suite, and unpack them without installing."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from components import debian
from components.settings import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpack(names: Sequence[str], folder: Path, mirror: str, suite: str = debian.SUITE) -> None:
    """Unpack packages of a suite into a folder, with apt lists of their own.

    Raises StackError on failure.
    """
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        # Mirrors may be behind in a suite that changes every day.
        "Acquire::Check-Valid-Until": "false",
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    _run([*apt, "update"], folder, names)
    _run([*apt, "download", *names], folder, names)
    for package in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(folder)], folder, names)


def _run(command: list[str], folder: Path, names: Sequence[str]) -> None:
    environment = os.environ | {"LC_ALL": debian.LANGUAGE}
    process = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=environment
    )
    if process.returncode:
        raise StackError(
            f"{command[0]} could not provide {', '.join(names)}:\n{process.stderr.strip()}"
        )
