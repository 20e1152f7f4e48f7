"""Where the stack keeps its state and which ports, engine and mirrors it uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = Path(__file__).resolve().parent.parent / "tools"
ENGINES = ("auto", "buildkit", "docker")


class StackError(Exception):
    """One sentence for the user; `dev/stack` prints it and exits with status 1."""


@dataclass(frozen=True)
class Settings:
    """One stack. Two with different state folders and ports run side by side."""

    state: Path
    buildkit_port: int
    registry_port: int
    engine: str
    local_images: bool
    debian_mirror: str | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings named by PYLLB_* variables; raises StackError for a value that is none."""
        engine = environ.get("PYLLB_ENGINE", "auto")
        if engine not in ENGINES:
            raise StackError(f"PYLLB_ENGINE is {engine!r}; it can be {', '.join(ENGINES)}")
        return cls(
            state=_state_folder(environ),
            buildkit_port=_port(environ, "PYLLB_BUILDKIT_PORT", 1234),
            registry_port=_port(environ, "PYLLB_REGISTRY_PORT", 5000),
            engine=engine,
            local_images=environ.get("PYLLB_LOCAL_IMAGES", "1") != "0",
            debian_mirror=environ.get("PYLLB_DEBIAN_MIRROR"),
        )

    @property
    def registry(self) -> str:
        """The registry's address, as it stands at the beginning of an image reference."""
        return f"127.0.0.1:{self.registry_port}"

    def folder(self, name: str) -> Path:
        """The folder `name` of the stack's state, made when it is missing."""
        path = self.state / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def _state_folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("PYLLB_STATE"):
        return Path(chosen).absolute()
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pyllb-dev"


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StackError(f"{name} is {text!r}, which is not a port number")
    return int(text)


def program_path() -> str:
    """PATH with the system folders that hold runc and debootstrap, which users may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
