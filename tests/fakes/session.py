"""The daemon's end of services that a client offers, without a client around them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb.grpc import Channel, Server, memory_pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.session.providers.service import Service


@contextmanager
def offered(*services: Service) -> Iterator[Channel]:
    """Yield a channel on which the services are called; nothing is left running afterwards."""
    here, there = memory_pair()
    handlers = {name: each for service in services for name, each in service.handlers().items()}
    server = Server(there, handlers)
    serving = threading.Thread(target=server.serve)
    serving.start()
    channel = Channel(here)
    try:
        yield channel
    finally:
        channel.close()
        serving.join()
