"""Settings of a state: defaults for the steps that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, field, frozen

from llb._lazy import lazy_imports
from llb.arguments.conversions import StrPath, to_path
from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.path import absolute
from llb.ops import nodes as ops
from llb.ops.base_images import BasePath
from llb.state.image_config import variable

with lazy_imports(__name__):
    import ipaddress  # 1 ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.platforms import Platform
    from llb.state.image_config import ImageConfig

MountValue: TypeAlias = ops.Mount | ops.Secret | ops.SSH

ULIMITS = (
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
)


@frozen(eq=False)
class Settings:
    """The process settings, platform, mounts and proxies for the steps that follow."""

    process: ops.Process = field(default=ops.Process())
    platform: Platform | None = None
    mounts: tuple[MountValue, ...] = ()
    proxy: ops.ProxyEnv | None = None

    def after(self, op: ops.ExecOp) -> Settings:
        """Update the writable mounts for the steps that follow ``op``.

        Later steps see the mounts as ``op`` left them.
        """
        if not any(isinstance(mount, ops.Bind) and mount.has_output for mount in self.mounts):
            return self
        mounts = (
            evolve(mount, source=op.output(mount.target))
            if isinstance(mount, ops.Bind) and mount.has_output
            else mount
            for mount in self.mounts
        )
        return evolve(self, mounts=tuple(mounts))


def with_env(process: ops.Process, pairs: Sequence[tuple[str, str | None]]) -> ops.Process:
    """Set variables of a process, or remove those whose value is None. Raises InvalidValueError."""
    for key, value in pairs:
        if not key or "=" in key or "\0" in key or (value is not None and "\0" in value):
            raise InvalidValueError(
                f"invalid environment variable {key!r}: expected a name without '=' or NUL"
            )
    if not pairs:
        return process
    # Variables that are removed must also be removed from those of a base image.
    return process.with_env(process.env.set_all(pairs, linked=process.base is not None))


def check_expanded(key: str, value: str | None) -> None:
    """Refuse a PATH that refers to itself: BuildKit passes variables on as they are."""
    if key == "PATH" and value is not None and ("$PATH" in value or "${PATH}" in value):
        raise InvalidValueError(
            f"invalid PATH {value!r}: variables are not expanded",
            hint="add to the current one: f\"/opt/bin:{state.getenv('PATH')}\"",
        )


def resolve_workdir(cwd: str, path: StrPath) -> str:
    """Resolve a working directory against the current one. Raises InvalidValueError for ``''``."""
    text = to_path(path)
    if not text or "\0" in text:
        raise InvalidValueError(f"invalid working directory {text!r}: expected a path")
    if text.startswith("/"):
        return text
    return cwd.child_directory(text) if isinstance(cwd, BasePath) else absolute(cwd, text)


def with_config(settings: Settings, config: ImageConfig) -> Settings:
    """Apply the environment, working directory and platform of an image config.

    Raises InvalidValueError.
    """
    process = evolve(settings.process, base=None, cwd=str(settings.process.cwd))
    for key, value in map(variable, config.env):
        process = with_env(process, ((key, value),)) if key else process
    if config.workdir:
        process = evolve(process, cwd=resolve_workdir(process.cwd, config.workdir))
    platform = config.platform.normalize() if config.has_platform else settings.platform
    return evolve(settings, process=process, platform=platform)


def to_ulimit(name: str, soft: int, hard: int) -> ops.Ulimit:
    """Create a resource limit; -1 means unlimited. Raises InvalidValueError."""
    if name not in ULIMITS:
        raise InvalidValueError(
            f"invalid ulimit {name!r}: expected {', '.join(ULIMITS)}",
            hint=did_you_mean(name, ULIMITS),
        )
    if -1 not in (soft, hard) and not 0 <= soft <= hard:
        raise InvalidValueError(
            f"invalid ulimit {name} {soft}:{hard}: expected 0 <= soft <= hard, or -1 for none"
        )
    return ops.Ulimit(name, soft, hard)


def to_ip(text: str) -> str:
    """Parse an IP address into its canonical form. Raises InvalidValueError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise InvalidValueError(f"invalid IP address {text!r}") from error
    return str(getattr(address, "ipv4_mapped", None) or address)
