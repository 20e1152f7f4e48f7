"""The options of the driver ``docker-container``, as fields of Docker's call to create a container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llb.arguments.conversions import to_size
from llb.client.key_values import check_names, parse_flag
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ENV = "env."
_CGROUP = "/docker/buildx"
_RESTART = re.compile(r"(no|always|unless-stopped|on-failure)(?::(\d+))?\Z")


def _integer(name: str, value: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", value):
        raise InvalidValueError(f"invalid {name}={value}: expected a whole number")
    return int(value)


def _size(name: str, value: str) -> int:
    return to_size(value, name)


def _swap(name: str, value: str) -> int:
    """Convert the size of memory and swap together; -1 is without a limit."""
    return -1 if value == "-1" else to_size(value, name)


def _text(name: str, value: str) -> str:  # noqa: ARG001 - the signature
    return value


def _restart_policy(name: str, value: str) -> dict[str, Any]:
    match = _RESTART.match(value)
    if match is None or (match[2] and match[1] != "on-failure"):
        raise InvalidValueError(
            f"invalid {name}={value}: expected no, always, unless-stopped or on-failure[:COUNT]"
        )
    return {"Name": match[1], "MaximumRetryCount": int(match[2] or 0)}


# The fields of HostConfig, and the conversions of their values.
_HOST_FIELDS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "network": ("NetworkMode", _text),
    "memory": ("Memory", _size),
    "memory-swap": ("MemorySwap", _swap),
    "cpu-period": ("CpuPeriod", _integer),
    "cpu-quota": ("CpuQuota", _integer),
    "cpu-shares": ("CpuShares", _integer),
    "cpuset-cpus": ("CpusetCpus", _text),
    "cpuset-mems": ("CpusetMems", _text),
    "restart-policy": ("RestartPolicy", _restart_policy),
}
_FLAGS = ("default-load", "provenance-add-gha", "allow-untrusted-image")
_OTHERS = ("image", "cgroup-parent", *_FLAGS)


def check(options: Mapping[str, str]) -> None:
    """Check the options. Raises InvalidValueError."""
    names = (name for name in options if not name.startswith(_ENV) or name == _ENV)
    check_names(names, (*_HOST_FIELDS, *_OTHERS), "the driver docker-container")
    host_config(options, {})
    for name in _FLAGS:
        flag(options, name)


def flag(options: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Read an option that is true or false."""
    return parse_flag(options[name], name) if name in options else default


def environment(options: Mapping[str, str]) -> list[str]:
    """List the variables of the container, as ``NAME=VALUE``."""
    names = sorted(name for name in options if name.startswith(_ENV))
    return [f"{name.removeprefix(_ENV)}={options[name]}" for name in names]


def host_config(options: Mapping[str, str], info: Mapping[str, Any]) -> dict[str, Any]:
    """Build the HostConfig of the container; ``info`` is what Docker reports of itself."""
    config: dict[str, Any] = {
        "Privileged": True,
        # It removes the processes of BuildKit's own containers that have ended.
        "Init": True,
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
    }
    for name, (key, convert) in _HOST_FIELDS.items():
        if name in options:
            config[key] = convert(name, options[name])
    if info.get("CgroupDriver") == "cgroupfs":
        # The limits of one group apply to all builds.
        config["CgroupParent"] = options.get("cgroup-parent") or _CGROUP
    if any("name=userns" in text for text in info.get("SecurityOptions") or ()):
        config["UsernsMode"] = "host"
    return config
