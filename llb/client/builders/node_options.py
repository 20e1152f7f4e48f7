"""The options of a node, checked as buildx checks them, and the node that they describe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from attrs import evolve

from llb.client.builders.buildkitd_config import allows_host_network, read_config
from llb.client.builders.drivers.driver import driver_of
from llb.client.builders.instance import BuilderNode, normal_name
from llb.client.connect.docker.contexts import DEFAULT, current_endpoint, endpoint_of
from llb.errors import InvalidValueError
from llb.gocompat.shlex import shlex
from llb.platforms import Platform, to_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from llb.client.builders.instance import BuilderInstance

DriverName: TypeAlias = Literal["docker-container", "remote"]
"""The drivers of builders: a container of a Docker, or a BuildKit that others start."""

_ENTITLEMENT = "--allow-insecure-entitlement"
_HOST_NETWORK = f"{_ENTITLEMENT}=network.host"


class NodeOptions(TypedDict, total=False):
    """The options of a node.

    - ``endpoint``: for ``docker-container`` a Docker context or the address of a Docker, by default
      the current one; for ``remote`` the address of a BuildKit, by default ``BUILDKIT_HOST``.
    - ``platforms``: those for which the node is preferred to others.
    - ``driver_opts``: options of the driver, by the names of buildx.
    - ``buildkitd_flags``: flags of buildkitd, as on a command line.
    - ``buildkitd_config``: the configuration file of buildkitd; by default
      ``buildkitd.default.toml`` in the folder of the store.
    """

    endpoint: str
    platforms: Iterable[Platform | str]
    driver_opts: Mapping[str, str]
    buildkitd_flags: str
    buildkitd_config: str | os.PathLike[str]


def new_node(
    instance: BuilderInstance, name: str | None, options: NodeOptions, default_config: Path | None
) -> BuilderNode:
    """Build another node of a builder. Raises InvalidValueError and InputError."""
    driver_opts = dict(options.get("driver_opts", {}))
    has_daemon = instance.driver == "docker-container"
    config = options.get("buildkitd_config", default_config if has_daemon else None)
    files = read_config(config) if config is not None else {}
    flags = shlex(options.get("buildkitd_flags", ""))
    if has_daemon:
        flags = _with_host_network(flags, driver_opts, files)
    node = BuilderNode(
        normal_name(name) if name is not None else instance.next_node_name(),
        _endpoint(instance.driver, options.get("endpoint")),
        tuple(map(to_platform, options.get("platforms", ()))),
        driver_opts,
        flags,
        files,
    )
    # The driver checks its options.
    driver_of(instance.driver, node)
    return node


def changed_node(instance: BuilderInstance, node: BuilderNode, options: NodeOptions) -> BuilderNode:
    """Change the options of a node that are given. Raises InvalidValueError and InputError."""
    if "endpoint" in options:
        node = evolve(node, endpoint=_endpoint(instance.driver, options["endpoint"]))
    if "platforms" in options:
        node = evolve(node, platforms=tuple(map(to_platform, options["platforms"])))
    if "driver_opts" in options:
        node = evolve(node, driver_opts=dict(options["driver_opts"]))
    if "buildkitd_config" in options:
        node = evolve(node, files={**node.files, **read_config(options["buildkitd_config"])})
    if "buildkitd_flags" in options:
        flags = shlex(options["buildkitd_flags"])
        if instance.driver == "docker-container":
            flags = _with_host_network(flags, node.driver_opts, node.files)
        node = evolve(node, buildkitd_flags=flags)
    driver_of(instance.driver, node)
    return node


def default_driver(options: NodeOptions) -> DriverName:
    """Choose the driver of a builder whose creator names none."""
    has_address = "endpoint" not in options and os.environ.get("BUILDKIT_HOST")
    return "remote" if has_address else "docker-container"


def _endpoint(driver: str, endpoint: str | None) -> str:
    if driver == "remote":
        address = endpoint or os.environ.get("BUILDKIT_HOST")
        if not address:
            raise InvalidValueError(
                "the driver remote needs the address of a BuildKit as its endpoint",
                hint="for example tcp://HOST:1234",
            )
        return address
    if endpoint is None:
        return _current_docker()
    found = endpoint_of(endpoint)
    # The name of any other context is kept, because its address may change.
    return found.host if endpoint == DEFAULT else endpoint


def _current_docker() -> str:
    endpoint = current_endpoint()
    if "://" in endpoint and endpoint_of(DEFAULT).tls is not None:
        raise InvalidValueError(
            f"the certificates for {endpoint} are in the environment, which builders do not store",
            hint="create a context with `docker context create`, and name it as the endpoint",
        )
    return endpoint


def _with_host_network(
    flags: tuple[str, ...], driver_opts: Mapping[str, str], files: Mapping[str, bytes]
) -> tuple[str, ...]:
    """Let builds use the network of the container, unless the user chose other entitlements."""
    entitlements = _entitlements(flags)
    needs_host = driver_opts.get("network") == "host" and "network.host" not in entitlements
    has_choice = bool(entitlements) or allows_host_network(files)
    return flags if has_choice and not needs_host else (*flags, _HOST_NETWORK)


def _entitlements(flags: tuple[str, ...]) -> list[str]:
    entitlements = []
    for number, flag in enumerate(flags):
        name, equals, value = flag.partition("=")
        if name == _ENTITLEMENT:
            entitlements.append(value if equals else "".join(flags[number + 1 : number + 2]))
    return entitlements
