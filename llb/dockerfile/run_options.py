"""Options of a build that hold for every RUN: its network, names, limits and memory.

A client sends them as options of the frontend (``frontend/dockerui``), each as a text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, frozen

from llb.dockerfile_rules.run import SHARED_MEMORY
from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.csv import split_csv
from llb.ops.nodes import LinuxResources, Network, Tmpfs, Ulimit
from llb.state.settings import ULIMITS

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
    """What holds for every RUN; the empty values say nothing.

    ``extra_hosts`` are names with their addresses, ``shm_size`` is in bytes, and so is
    the memory of ``resources``.
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
        """Whether they say how processes are run, and not just with which limits."""
        names = self.hostname, self.extra_hosts, self.ulimits, self.cgroup_parent
        return self.network is not Network.SANDBOX or any(names)

    @property
    def mounts(self) -> tuple[Tmpfs, ...]:
        """The shared memory, where it has a size of its own."""
        return (Tmpfs(SHARED_MEMORY, self.shm_size),) if self.shm_size > 0 else ()

    def apply(self, state: State) -> State:
        """Set the options of processes in a state."""
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


def parse_process_options(given: Mapping[str, str]) -> ProcessOptions:
    """Return what the options of a frontend say of processes. Raises InvalidValueError."""
    network = given.get("force-network-mode", "")
    if network not in _NETWORKS:
        raise _invalid("force-network-mode", network, did_you_mean(network, _NETWORKS))
    return ProcessOptions(
        network=_NETWORKS[network],
        hostname=given.get(_HOSTNAME_ARG) or given.get("hostname", ""),
        extra_hosts=_each("add-hosts", given, _host),
        ulimits=_each("ulimit", given, _ulimit),
        shm_size=_integer("shm-size", given.get("shm-size") or "0"),
        cgroup_parent=given.get("cgroup-parent", ""),
        resources=_resources(given),
    )


def _each(key: str, given: Mapping[str, str], parse: Callable[[str], T_]) -> tuple[T_, ...]:
    text = given.get(key, "")
    if not text:
        return ()
    try:
        return tuple(parse(field) for field in split_csv(text))
    except ValueError as error:
        raise _invalid(key, text, str(error)) from error


def _host(field: str) -> tuple[str, str]:
    name, equals, text = field.lower().partition("=")
    if not equals or "%" in text:
        raise ValueError("expected name=address")
    # It takes 1.2 ms to import, and few builds name hosts.
    from ipaddress import ip_address  # noqa: PLC0415

    address = ip_address(text)
    return name, str(getattr(address, "ipv4_mapped", None) or address)


def _ulimit(field: str) -> Ulimit:
    name, equals, text = field.partition("=")
    limits = text.split(":")
    if not equals or len(limits) > 2 or not all(map(_INTEGER.match, limits)):
        raise ValueError("expected name=soft[:hard]")
    if name not in ULIMITS:
        raise ValueError(did_you_mean(name, ULIMITS) or f"expected {', '.join(ULIMITS)}")
    soft, hard = int(limits[0]), int(limits[-1])
    if hard != -1 and (soft == -1 or soft > hard):
        raise ValueError("the soft limit must not be more than the hard one")
    return Ulimit(name, soft, hard)


def _resources(given: Mapping[str, str]) -> LinuxResources | None:
    found = LinuxResources(
        memory=_limit("memory", given),
        memory_swap=_limit("memswap", given, unlimited=True),
        cpu_shares=_limit("cpushares", given),
        cpu_period=_limit("cpuperiod", given),
        cpu_quota=_limit("cpuquota", given),
        cpuset_cpus=_cpus("cpusetcpus", given),
        cpuset_mems=_cpus("cpusetmems", given),
    )
    return None if found == LinuxResources() else found


def _limit(key: str, given: Mapping[str, str], *, unlimited: bool = False) -> int:
    text = given.get(key, "")
    if not text:
        return 0
    value = _integer(key, text)
    if value < 1 and not (unlimited and value == -1):
        raise _invalid(key, text, "expected 1 or more" + ", or -1 for no limit" * unlimited)
    return value


def _integer(key: str, text: str) -> int:
    if not _INTEGER.match(text) or not -_MAX <= int(text) < _MAX:
        raise _invalid(key, text, "expected a number")
    return int(text)


def _cpus(key: str, given: Mapping[str, str]) -> str:
    """Return a list of numbers and ranges, for example ``0-3,5``."""
    text = given.get(key, "")
    for part in filter(None, map(str.strip, text.split(","))):
        first, _, last = part.partition("-")
        numbers = [each.strip() for each in (first, last or first)]
        if not all(map(_CPU.match, numbers)) or part.endswith("-"):
            raise _invalid(key, text, "for example 0-3,5")
        low, high = map(int, numbers)
        if not low <= high <= _MAX_CPU:
            raise _invalid(key, text, f"expected ranges of numbers up to {_MAX_CPU}")
    return text


def _invalid(key: str, text: str, hint: str | None) -> InvalidValueError:
    return InvalidValueError(f"invalid value for {key}: {text}", hint=hint)
