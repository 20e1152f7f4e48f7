"""Methods are called with their kind and their messages."""

from __future__ import annotations

import pytest

from llb._pb import content_pb2, control_pb2, gateway_pb2
from llb.grpcio.methods import Method, find_method


@pytest.mark.parametrize(
    ("path", "kind", "request_type", "response_type"),
    [
        (
            "/moby.buildkit.v1.Control/Solve",
            (False, False),
            control_pb2.SolveRequest,
            control_pb2.SolveResponse,
        ),
        (
            "/moby.buildkit.v1.Control/Status",
            (False, True),
            control_pb2.StatusRequest,
            control_pb2.StatusResponse,
        ),
        (
            "/moby.buildkit.v1.Control/Session",
            (True, True),
            control_pb2.BytesMessage,
            control_pb2.BytesMessage,
        ),
        (
            "/moby.buildkit.v1.frontend.LLBBridge/Ping",
            (False, False),
            gateway_pb2.PingRequest,
            gateway_pb2.PongResponse,
        ),
        (
            "/containerd.services.content.v1.Content/Read",
            (False, True),
            content_pb2.ReadContentRequest,
            content_pb2.ReadContentResponse,
        ),
    ],
)
def test_a_method_of_buildkit_has_its_kind_and_messages(
    path: str, kind: tuple[bool, bool], request_type: type, response_type: type
) -> None:
    assert find_method(path) == Method(path, *kind, request_type, response_type)


@pytest.mark.parametrize("path", ["/some.Service/Method", "/moby.buildkit.v1.Control/Other", "/"])
def test_an_unknown_method_streams_bytes(path: str) -> None:
    assert find_method(path) == Method(path, True, True, None, None)
