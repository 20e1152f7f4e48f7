"""Build a small Debian trixie with Python and pip by debootstrap."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from components.settings import Settings, StackError, program_path

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "trixie"
DEFAULT_MIRROR = "http://deb.debian.org/debian"
LANGUAGE = "C.UTF-8"

# Files that no build needs, or that depend on the time and place of the installation.
UNWANTED = (
    "dev/*",
    "etc/hostname",
    "etc/machine-id",
    "etc/resolv.conf",
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/*/*",
    "var/lib/apt/lists/*",
    "var/lib/dpkg/*-old",
    "var/log/*",
    # With this file pip refuses to install next to Debian's packages, which the real image allows.
    "usr/lib/python3*/EXTERNALLY-MANAGED",
)


def mirror(settings: Settings) -> str:
    """Select the Debian mirror: the configured one, else apt's first, else Debian's own."""
    return settings.debian_mirror or next(_apt_mirrors(), DEFAULT_MIRROR)


def fill_python(root: Path, source: str) -> None:
    """Install trixie's python3 and pip under `root`. Raises StackError if debootstrap fails."""
    command = ["debootstrap", "--variant=minbase", "--include=python3,python3-pip"]
    environment = os.environ | {"PATH": program_path(), "LC_ALL": LANGUAGE}
    log = root.with_name("debootstrap.log")
    with log.open("wb") as sink:
        process = subprocess.run(
            [*command, SUITE, root, source],
            check=False,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise StackError(f"debootstrap failed on {source}:\n{tail}")
    for pattern in UNWANTED:
        for path in root.glob(pattern):
            _remove(path)
    _compile(root)
    for name, target in (("python", "python3"), ("python3", "python3"), ("pip", "pip3")):
        (root / "usr" / "local" / "bin" / name).symlink_to(f"/usr/bin/{target}")


def _apt_mirrors() -> Iterator[str]:
    """Yield the mirrors of the main archive in apt's sources, in both of its formats."""
    lists = Path("/etc/apt")
    files = [lists / "sources.list", *sorted((lists / "sources.list.d").glob("*"))]
    for text in (path.read_text() for path in files if path.is_file()):
        mirrors: list[str] = re.findall(
            r"^(?:URIs:|deb)\s.*?(https?://\S+/debian)/?(?=\s|$)", text, re.MULTILINE
        )
        yield from mirrors


def _compile(root: Path) -> None:
    """Compile to byte code that ignores source times, since the layer sets all times to 0."""
    for cache in root.glob("usr/lib/python3*/**/__pycache__"):
        shutil.rmtree(cache)
    command = ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    folders = [f"/{path.relative_to(root)}" for path in sorted(root.glob("usr/lib/python3*"))]
    environment = {"PATH": program_path(), "LC_ALL": LANGUAGE, "PYTHONHASHSEED": "0"}
    subprocess.run(["chroot", root, *command, *folders], check=True, env=environment)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
