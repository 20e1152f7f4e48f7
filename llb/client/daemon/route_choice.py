"""Choose the route to a daemon by the arguments of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.client.connect import address as addresses
from llb.client.connect.routes import channel_route, dialer_route, to_route
from llb.errors import InvalidValueError

with lazy_imports(__name__):
    from llb.client.builders import builder as builders  # 30 ms
    from llb.client.builders import store as builder_store  # 5 ms
    from llb.client.daemon import fallback  # 12 ms

if TYPE_CHECKING:
    import grpc

    from llb.client.connect.routes import Route
    from llb.client.connect.sockets import Dialer
    from llb.client.connect.tls import TLS


def choose_route(
    addr: str | None, tls: TLS | None, dialer: Dialer | None, channel: grpc.Channel | None
) -> Route:
    """Choose the route; raises ConnectError and InvalidValueError, see :class:`llb.client.Client`."""
    if channel is None:
        if dialer is not None:
            return dialer_route(dialer, addr, tls)
        address = addresses.explicit_address(addr) or _default_address()
        if not address.startswith(addresses.BUILDER):
            return to_route(address, tls)
        if tls is None:
            return builders.Builder.load(address.removeprefix(addresses.BUILDER)).route()
        raise InvalidValueError(f"TLS is for tcp:// addresses, not for {address}")
    others = {"addr": addr, "tls": tls, "dialer": dialer}
    for name, value in others.items():
        if value is not None:
            raise InvalidValueError(
                f"Client() takes {name} or channel, not both",
                hint="the channel has a target and credentials of its own",
            )
    return channel_route(channel)


def _default_address() -> str:
    builder = builder_store.chosen_name()
    if builder is not None:
        return f"{addresses.BUILDER}{builder}"
    return addresses.default_socket() or fallback.address()
