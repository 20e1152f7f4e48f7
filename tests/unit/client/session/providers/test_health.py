"""A session reports as serving while its process answers."""

from __future__ import annotations

from llb.client.session.providers.health import Health
from tests.fakes.session import offered

# HealthCheckResponse(status=SERVING).
SERVING = b"\x08\x01"


def test_a_health_check_reports_serving() -> None:
    with offered(Health()) as channel:
        for _ in range(2):
            assert channel.call("/grpc.health.v1.Health/Check", b"", timeout=30) == SERVING


def test_a_health_watch_runs_until_the_call_ends() -> None:
    with offered(Health()) as channel:
        call = channel.stream("/grpc.health.v1.Health/Watch", timeout=30)
        call.send(b"")
        call.flush()
        assert call.receive() == SERVING
        call.close_send()
        assert call.receive() is None
