"""Build options that apply to every RUN: network, host names, limits and memory.

A client sends them to the frontend as strings (``frontend/dockerui``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, frozen

from llb._lazy import lazy_imports
from llb.dockerfile_rules.run import SHARED_MEMORY
from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.csv import split_csv
from llb.ops.nodes import LinuxResources, Network, Tmpfs, Ulimit
from llb.state.settings import ULIMITS

with lazy_imports(__name__):
    import ipaddress  # 1 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.state.state import State

T_ = TypeVar("T_")

_HOSTNAME_ARG = "build-arg:BUILDKIT_SANDBOX_HOSTNAME"
_NETWORKS = {
    "": Network.SANDBOX,
    "host": Network.HOST,
    "none": Network.NONE,
    "sandbox": Network.SANDBOX,
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}\Z")
_CPU = re.compile(r"[0-9]{1,9}\Z")
_MAX = 2**63
_MAX_CPU = 8192


@frozen
class ProcessOptions:
    """Options of the process of every RUN; empty values are defaults.

    ``extra_hosts`` are names with their addresses. ``shm_size`` and the memory of ``resources``
    are in bytes.
    """

    network: Network = Network.SANDBOX
    hostname: str = ""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    shm_size: int = 0
    cgroup_parent: str = ""
    resources: LinuxResources | None = None

    @property
    def change_processes(self) -> bool:
        """Whether they change the process settings, and not only resource limits."""
        names = self.hostname, self.extra_hosts, self.ulimits, self.cgroup_parent
        return self.network is not Network.SANDBOX or any(names)

    @property
    def mounts(self) -> tuple[Tmpfs, ...]:
        """The mount of shared memory, if its size is set."""
        return (Tmpfs(SHARED_MEMORY, self.shm_size),) if self.shm_size > 0 else ()

    def apply(self, state: State) -> State:
        """Set the process options in a state."""
        if not self.change_processes:
            return state
        process = evolve(
            state.settings.process,
            network=self.network,
            hostname=self.hostname,
            extra_hosts=self.extra_hosts,
            ulimits=self.ulimits,
            cgroup_parent=self.cgroup_parent,
        )
        return evolve(state, settings=evolve(state.settings, process=process))


def parse_process_options(options: Mapping[str, str]) -> ProcessOptions:
    """Parse the process options among the frontend options. Raises InvalidValueError."""
    network = options.get("force-network-mode", "")
    if network not in _NETWORKS:
        raise _invalid("force-network-mode", network, did_you_mean(network, _NETWORKS))
    return ProcessOptions(
        network=_NETWORKS[network],
        hostname=options.get(_HOSTNAME_ARG) or options.get("hostname", ""),
        extra_hosts=_parse_list("add-hosts", options, _parse_host),
        ulimits=_parse_list("ulimit", options, _parse_ulimit),
        shm_size=_parse_integer("shm-size", options.get("shm-size") or "0"),
        cgroup_parent=options.get("cgroup-parent", ""),
        resources=_parse_resources(options),
    )


def _parse_list(key: str, options: Mapping[str, str], parse: Callable[[str], T_]) -> tuple[T_, ...]:
    value = options.get(key, "")
    if not value:
        return ()
    try:
        return tuple(parse(field) for field in split_csv(value))
    except ValueError as error:
        raise _invalid(key, value, str(error)) from error


def _parse_host(field: str) -> tuple[str, str]:
    name, equals, value = field.lower().partition("=")
    if not equals or "%" in value:
        raise ValueError("expected name=address")

    address = ipaddress.ip_address(value)
    return name, str(getattr(address, "ipv4_mapped", None) or address)


def _parse_ulimit(field: str) -> Ulimit:
    name, equals, value = field.partition("=")
    limits = value.split(":")
    if not equals or len(limits) > 2 or not all(map(_INTEGER.match, limits)):
        raise ValueError("expected name=soft[:hard]")
    if name not in ULIMITS:
        raise ValueError(did_you_mean(name, ULIMITS) or f"expected {', '.join(ULIMITS)}")
    soft, hard = int(limits[0]), int(limits[-1])
    if hard != -1 and (soft == -1 or soft > hard):
        raise ValueError("the soft limit must not exceed the hard limit")
    return Ulimit(name, soft, hard)


def _parse_resources(options: Mapping[str, str]) -> LinuxResources | None:
    resources = LinuxResources(
        memory=_parse_limit("memory", options),
        memory_swap=_parse_limit("memswap", options, unlimited=True),
        cpu_shares=_parse_limit("cpushares", options),
        cpu_period=_parse_limit("cpuperiod", options),
        cpu_quota=_parse_limit("cpuquota", options),
        cpuset_cpus=_check_cpus("cpusetcpus", options),
        cpuset_mems=_check_cpus("cpusetmems", options),
    )
    return None if resources == LinuxResources() else resources


def _parse_limit(key: str, options: Mapping[str, str], *, unlimited: bool = False) -> int:
    value = options.get(key, "")
    if not value:
        return 0
    limit = _parse_integer(key, value)
    if limit < 1 and not (unlimited and limit == -1):
        raise _invalid(key, value, "expected 1 or more" + ", or -1 for no limit" * unlimited)
    return limit


def _parse_integer(key: str, value: str) -> int:
    if not _INTEGER.match(value) or not -_MAX <= int(value) < _MAX:
        raise _invalid(key, value, "expected an integer")
    return int(value)


def _check_cpus(key: str, options: Mapping[str, str]) -> str:
    """Check a list of numbers and ranges, for example ``0-3,5``."""
    value = options.get(key, "")
    for part in filter(None, map(str.strip, value.split(","))):
        first, _, last = part.partition("-")
        numbers = [number.strip() for number in (first, last or first)]
        if not all(map(_CPU.match, numbers)) or part.endswith("-"):
            raise _invalid(key, value, "expected numbers and ranges, for example 0-3,5")
        low, high = map(int, numbers)
        if not low <= high <= _MAX_CPU:
            raise _invalid(key, value, f"expected ranges of numbers up to {_MAX_CPU}")
    return value


def _invalid(key: str, value: str, hint: str | None) -> InvalidValueError:
    return InvalidValueError(f"invalid value for {key}: {value}", hint=hint)
