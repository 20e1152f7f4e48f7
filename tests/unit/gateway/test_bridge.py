"""A malformed response of the daemon is one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.errors import TransportError
from llb.gateway.bridge import Bridge
from tests.fakes.session import offered

if TYPE_CHECKING:
    from llb.grpc import Handler


class Daemon:
    """A daemon that answers with bytes that are no message."""

    failures = ()

    def handlers(self) -> dict[str, Handler]:
        ping = "/moby.buildkit.v1.frontend.LLBBridge/Ping"
        return {ping: lambda call: call.send(b"\xff")}


def test_a_malformed_response_is_an_error() -> None:
    with (
        offered(Daemon()) as channel,
        pytest.raises(TransportError, match="malformed PongResponse from the daemon"),
    ):
        Bridge(channel)
