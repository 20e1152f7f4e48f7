"""RUN: its network, scripts and mounts.

The rules are those of the Dockerfile reference ("RUN", "RUN --mount").
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Unpack

from llb.buildkit_names import PROXY_NAMES
from llb.gocompat.path import clean, join
from llb.ops import nodes as ops
from llb.ops.defaults import SECRETS
from llb.state.file_actions import mkdir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.state.state import State
    from llb.state.step_options import StepOptions

DEFAULT_NETWORK, DEFAULT_SECURITY = "default", "sandbox"
DEFAULT_SHARING: Final = "shared"
# None leaves the network to the client.
NETWORKS: Mapping[str, ops.Network | None] = MappingProxyType(
    {DEFAULT_NETWORK: None, "none": ops.Network.NONE, "host": ops.Network.HOST}
)
SECURITIES: Mapping[str, ops.Security] = MappingProxyType(
    {DEFAULT_SECURITY: ops.Security.SANDBOX, "insecure": ops.Security.INSECURE}
)
# The folder where a heredoc with a ``#!`` line is mounted as an executable file.
SCRIPTS = "/dev/pipes/"
SCRIPT_MODE = 0o755
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a mount of a process, not a file of ours
CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"
# The folder of a new tree that a cache with an owner or a mode starts with.
CACHE_FOLDER = "/cache"
CACHE_MODE = 0o755


def cache_id(namespace: str, name: str, target: str) -> str:
    """Name a cache as BuildKit knows it; the default name is the target."""
    return f"{namespace}/{name or clean(target)}"


def new_cache(
    tree: State,
    uid: int | None,
    gid: int | None,
    mode: int | None,
    **options: Unpack[StepOptions],
) -> State:
    """Create the folder :data:`CACHE_FOLDER`, which a cache with an owner or a mode starts with."""
    action = mkdir(
        CACHE_FOLDER,
        mode=CACHE_MODE if mode is None else mode,
        owner=f"{uid or 0}:{gid or 0}",
    )
    return tree.file(action, **options)


def mount_selector(source: str) -> str:
    """Resolve the path of the mounted tree; empty for the whole tree."""
    path = join("/", source)
    return "" if path == "/" else path


def secret_target(name: str) -> str:
    """Name the file of a secret that has neither a target nor a variable."""
    return SECRETS + file_name(name)


def file_name(path: str) -> str:
    """Take the last part of a path; ``/`` for the root."""
    return posixpath.basename(clean(path)) or "/"


def parse_proxies(build_args: Mapping[str, str]) -> ops.ProxyEnv | None:
    """Collect the proxies among the build args, in any case; the last name wins."""
    proxies = {name.lower(): build_args[name] for name in sorted(build_args) if is_proxy(name)}
    return ops.ProxyEnv(**proxies) if proxies else None


def is_proxy(build_arg: str) -> bool:
    """Check whether a build arg names a proxy, in any case."""
    return build_arg.lower() in PROXY_NAMES
