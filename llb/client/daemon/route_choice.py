"""Choose the daemons of a client by its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.client.connect import address as addresses
from llb.client.connect.routes import NodeRoute, channel_route, dialer_route, to_route
from llb.errors import InvalidValueError

with lazy_imports(__name__):
    from llb.client.builders import builder as builders  # 30 ms
    from llb.client.builders import store as builder_store  # 5 ms
    from llb.client.daemon import fallback  # 12 ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from llb.client.connect.routes import Route
    from llb.client.connect.sockets import Dialer
    from llb.client.connect.tls import TLS


def choose_nodes(
    addrs: str | Sequence[str] | None,
    tls: TLS | None,
    dialer: Dialer | None,
    channel: grpc.Channel | None,
) -> tuple[NodeRoute, ...]:
    """Choose the daemons, at least one; see :class:`llb.client.Client`.

    Raises InvalidValueError, and InputError for builders that cannot be read.
    """
    if channel is not None:
        _check_alone(addr=addrs, tls=tls, dialer=dialer)
        return _only(channel_route(channel))
    if dialer is not None:
        if addrs is not None and not isinstance(addrs, str):
            raise InvalidValueError("a dialer opens the connections to one daemon, not to several")
        return _only(dialer_route(dialer, addrs, tls))
    if addrs is None or isinstance(addrs, str):
        return _at(addresses.explicit_address(addrs) or _default_address(), tls)
    if not addrs:
        raise InvalidValueError("invalid addr (): expected at least one address")
    nodes = tuple(node for addr in dict.fromkeys(addrs) for node in _at(addr, tls))
    for node in nodes:
        if [other.name for other in nodes].count(node.name) > 1:
            raise InvalidValueError(f"two nodes have the name {node.name!r}")
    return nodes


def _check_alone(**others: object) -> None:
    for name, value in others.items():
        if value is not None:
            raise InvalidValueError(
                f"Client() takes {name} or channel, not both",
                hint="the channel has a target and credentials of its own",
            )


def _only(route: Route) -> tuple[NodeRoute]:
    return (NodeRoute(route.address, lambda: route),)


def _at(address: str, tls: TLS | None) -> tuple[NodeRoute, ...]:
    """Choose the daemon at an address, or those of a builder."""
    if not address.startswith(addresses.BUILDER):
        return _only(to_route(address, tls))
    if tls is not None:
        raise InvalidValueError(f"TLS is for tcp:// addresses, not for {address}")
    return builders.Builder.load(address.removeprefix(addresses.BUILDER)).routes()


def _default_address() -> str:
    builder = builder_store.chosen_name()
    if builder is not None:
        return f"{addresses.BUILDER}{builder}"
    return addresses.default_socket() or fallback.address()
