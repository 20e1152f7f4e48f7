"""The settings of the stack: state folder, ports, engine and mirrors."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = Path(__file__).resolve().parent.parent / "tools"
ENGINES = ("auto", "buildkit", "docker")


class StackError(Exception):
    """An error for the user; `dev/stack` prints it and exits with status 1."""


@dataclass(frozen=True)
class Settings:
    """The settings of one stack; stacks with different folders and ports can run in parallel.

    ``buildkit`` is another version of BuildKit than the one of dev/tools.
    """

    state: Path
    buildkit_port: int
    registry_port: int
    engine: str
    buildkit: str | None
    local_images: bool
    debian_mirror: str | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from PYLLB_* variables. Raises StackError for an invalid value."""
        engine = environ.get("PYLLB_ENGINE", "auto")
        if engine not in ENGINES:
            raise StackError(f"invalid PYLLB_ENGINE {engine!r}: expected {', '.join(ENGINES)}")
        return cls(
            state=_state_folder(environ),
            buildkit_port=_port(environ, "PYLLB_BUILDKIT_PORT", 1234),
            registry_port=_port(environ, "PYLLB_REGISTRY_PORT", 5000),
            engine=engine,
            buildkit=_version(environ),
            local_images=environ.get("PYLLB_LOCAL_IMAGES", "1") != "0",
            debian_mirror=environ.get("PYLLB_DEBIAN_MIRROR"),
        )

    @property
    def registry(self) -> str:
        """The registry's address, as in image references."""
        return f"127.0.0.1:{self.registry_port}"

    def folder(self, name: str) -> Path:
        """Create the folder `name` in the stack's state if it is missing, and return it."""
        path = self.state / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def _state_folder(environ: Mapping[str, str]) -> Path:
    if folder := environ.get("PYLLB_STATE"):
        return Path(folder).absolute()
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pyllb-dev"


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, str(default))
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise StackError(f"invalid {name} {value!r}: expected a port number")
    return int(value)


def _version(environ: Mapping[str, str]) -> str | None:
    version = environ.get("PYLLB_BUILDKIT")
    if version and not re.fullmatch(r"v\d+\.\d+\.\d+", version):
        raise StackError(f"invalid PYLLB_BUILDKIT {version!r}: expected a version such as v0.18.2")
    return version or None


def program_path() -> str:
    """Extend PATH with the system folders of runc and debootstrap, which users may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
