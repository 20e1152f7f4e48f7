"""Call the session services of a client directly, without a client or daemon."""

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
    """Serve the services on a thread and yield a channel to them."""
    here, there = memory_pair()
    handlers = {
        name: handler for service in services for name, handler in service.handlers().items()
    }
    server = Server(there, handlers)
    serving = threading.Thread(target=server.serve)
    serving.start()
    channel = Channel(here)
    try:
        yield channel
    finally:
        channel.close()
        serving.join()
