"""Install missing Debian packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from components.settings import StackError, program_path

if TYPE_CHECKING:
    from collections.abc import Iterable

ALWAYS = (
    "busybox-static",
    "ca-certificates",
    "cargo",
    "chromium",
    "chromium-driver",
    "cmake",
    "debian-archive-keyring",
    "debootstrap",
    "default-jdk-headless",
    "docker-registry",
    "docker.io",
    "fish",
    "g++",
    "gcc",
    "git",
    "gpgv",
    "graphviz",
    "libc6-dev",
    "make",
    "maven",
    "nodejs",
    "npm",
    "openssh-client",
    "openssh-server",
    "podman",
    "rootlesskit",
    "runc",
    "uidmap",
    "zsh",
)

# These programs may come from elsewhere; Debian's packages would replace them.
PROGRAMS = {
    "cargo": "cargo",
    "chromium": "chromium",
    "chromium-driver": "chromedriver",
    "cmake": "cmake",
    "default-jdk-headless": "javac",
    "docker.io": "dockerd",
    "g++": "c++",
    "gcc": "cc",
    "maven": "mvn",
    "nodejs": "node",
    "npm": "npm",
    "openssh-server": "sshd",
    "podman": "podman",
}

# Debian starts these as system services once installed; the stack runs its own instead.
SERVICES = {
    "docker-registry": ("docker-registry.service",),
    "docker.io": ("docker.socket", "docker.service"),
    "openssh-server": ("ssh.socket", "ssh.service"),
    "podman": ("podman.socket", "podman.service"),
}


def install(names: Iterable[str]) -> None:
    """Install the missing packages among `names`. Raises StackError if apt fails."""
    present = installed()
    missing = [name for name in names if name not in present and not _has_program(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise StackError(
            f"not a Debian machine; install the equivalents of {', '.join(missing)} yourself"
        )
    print(f"installing {' '.join(missing)}", flush=True)
    _apt("update", "-q")
    _apt("install", "-q", "-y", "--no-install-recommends", *missing)
    _stop_services(missing)


def installed() -> frozenset[str]:
    """List the Debian packages on this machine; empty without dpkg."""
    if shutil.which("dpkg-query") is None:
        return frozenset()
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n"]
    lines = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    return frozenset(line.split()[1] for line in lines if line.startswith("installed "))


def _has_program(package: str) -> bool:
    """Check whether the program of a package exists already."""
    name = PROGRAMS.get(package)
    return name is not None and shutil.which(name, path=program_path()) is not None


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    process = subprocess.run(["apt-get", *arguments], check=False, env=environment)
    if process.returncode:
        raise StackError(f"apt-get {arguments[0]} failed; its messages are above")


def _stop_services(packages: Iterable[str]) -> None:
    if not Path("/run/systemd/system").exists():
        return
    for unit in (unit for package in packages for unit in SERVICES.get(package, ())):
        subprocess.run(["systemctl", "disable", "--now", unit], check=False)
