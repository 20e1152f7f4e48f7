"""Privileges that targets need, and those that the user has allowed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.bake.building.options import LINK
from llb.bake.definitions.preparation import WORKING_DIRECTORY, is_remote
from llb.buildkit_names import OCI_SCHEME
from llb.errors import BakeFileError, InvalidValueError, did_you_mean
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.bake.definitions.plan import Selection
    from llb.bake.definitions.target import Target

_FLAGS = ("network.host", "security.insecure", "ssh", "buildx.local.delete")
_KEYS = (*_FLAGS, "device", "fs", "fs.read", "fs.write", "image", "image.push", "image.load")
_ALL = "*"
_WORDS = {
    "network.host": "Running build containers that can access host network",
    "security.insecure": "Running privileged containers that can make system changes",
    "ssh": "Forwarding default SSH agent socket",
    "buildx.local.delete": "Deleting stale files from local output destinations",
}


@frozen
class Allowed:
    """What the user has allowed with ``--allow``, and the paths below the working directory."""

    flags: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Allowed:
        """Parse the values of ``--allow``. Raises InvalidValueError."""
        flags: set[str] = set()
        devices: set[str] = set()
        read: list[str] = ["."]
        write: list[str] = ["."]
        for text in texts:
            key, _, value = text.partition("=")
            if key not in _KEYS:
                raise InvalidValueError(
                    f"unknown entitlement '{key}'", hint=did_you_mean(key, _KEYS)
                )
            if key in _FLAGS:
                flags.add(key)
            elif key == "device":
                devices.add(value.split(",")[0] or _ALL)
            if key in {"fs", "fs.read"}:
                read.append(value)
            if key in {"fs", "fs.write"}:
                write.append(value)
        return cls(frozenset(flags), frozenset(devices), tuple(read), tuple(write))


@frozen
class Missing:
    """Privileges that are not allowed: what each means, by the value for ``--allow``."""

    privileges: Mapping[str, str] = field(factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.privileges)

    def describe(self) -> str:
        """List the privileges, and the flags that allow them."""
        lines = [f" - {words}" for words in self.privileges.values()]
        return "\n".join(
            (
                "Your build is requesting privileges for following possibly insecure capabilities:",
                "",
                *lines,
                "",
                f"Pass {self.flags} to grant requested privileges.",
            )
        )

    @property
    def flags(self) -> str:
        """The flags that allow the privileges."""
        return " ".join(f"--allow={name}" for name in self.privileges)

    def to_error(self) -> BakeFileError:
        """Create the error of a build that is not allowed."""
        return BakeFileError(
            "additional privileges requested", hint=f"grant them with {self.flags}"
        )


def missing(
    selection: Selection, allowed: Allowed, environ: Mapping[str, str] = os.environ
) -> Missing:
    """Find the privileges of prepared targets that are not allowed.

    ``BUILDX_BAKE_ENTITLEMENTS_FS=0`` allows all paths.
    """
    found: dict[str, str] = {}
    read: set[str] = set()
    write: set[str] = set()
    for target in selection.targets.values():
        for name in target.entitlements or ():
            found |= _entitlement(name, allowed)
        if any(not agent.paths for agent in target.ssh or ()) and "ssh" not in allowed.flags:
            found["ssh"] = _WORDS["ssh"]
        read |= _read_paths(target)
        write |= _written_paths(target)
    if environ.get("BUILDX_BAKE_ENTITLEMENTS_FS", "1").lower() not in {"0", "f", "false"}:
        found |= _paths(read, allowed.read, "read", "Read access to path")
        found |= _paths(write, allowed.write, "write", "Write access to path")
    else:
        found.pop("ssh", None)
    return Missing(found)


def _entitlement(name: str, allowed: Allowed) -> dict[str, str]:
    if name in _WORDS:
        return {} if name in allowed.flags else {name: _WORDS[name]}
    key, _, device = name.partition("=")
    if key == "device" and not allowed.devices & {device.split(",")[0] or _ALL, _ALL}:
        words = f"Access to device {device}" if device else "Access to CDI devices"
        return {name: words}
    return {}


def _read_paths(target: Target) -> set[str]:
    found = {target.context or "."}
    if not is_remote(target.context or ".") and not target.dockerfile_inline:
        file = (target.dockerfile or "Dockerfile").removeprefix(WORKING_DIRECTORY)
        found.add(str(Path(target.context or ".") / file))
    found |= {
        value.removeprefix(WORKING_DIRECTORY) or "." for value in (target.contexts or {}).values()
    }
    found |= {
        cache.attributes["src"]
        for cache in target.cache_from or ()
        if cache.type == "local" and "src" in cache.attributes
    }
    found |= {secret.source for secret in target.secrets or () if secret.source}
    found |= {path for agent in target.ssh or () for path in agent.paths}
    return {path.removeprefix(OCI_SCHEME) for path in found if _is_local(path)}


def _is_local(path: str) -> bool:
    return not is_remote(path) and not path.startswith((LINK, "docker-image:"))


def _written_paths(target: Target) -> set[str]:
    found = {
        output.destination for output in target.outputs or () if output.destination not in {"", "-"}
    }
    return found | {
        cache.attributes["dest"]
        for cache in target.cache_to or ()
        if cache.type == "local" and "dest" in cache.attributes
    }


def _paths(wanted: Iterable[str], allowed: Iterable[str], kind: str, words: str) -> dict[str, str]:
    """Find the paths that are in none of the allowed directories; of nested ones the outermost."""
    if _ALL in allowed:
        return {}
    roots = [paths.resolve(path) for path in allowed]
    resolved = sorted({paths.resolve(path) for path in wanted}, key=lambda path: len(path.parts))
    outside: list[Path] = []
    for path in resolved:
        if not any(path.is_relative_to(root) for root in (*roots, *outside)):
            outside.append(path)
    shown = {os.path.relpath(path): path for path in sorted(outside)}
    names = [name if not name.startswith("../..") else str(path) for name, path in shown.items()]
    return {f"fs.{kind}={name}": f"{words} {name}" for name in names}
