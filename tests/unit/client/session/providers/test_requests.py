"""A request is decoded, or refused with the status of a gRPC server."""

from __future__ import annotations

from typing import cast

import pytest

from llb._pb import secrets_pb2 as pb
from llb.client.session.providers.requests import receive
from llb.errors import RemoteError
from llb.grpc import Code, ServerCall
from tests.fakes.call import BytesCall


def received(*messages: bytes) -> pb.GetSecretRequest:
    return receive(cast("ServerCall", BytesCall(messages)), pb.GetSecretRequest)


def test_a_request_is_decoded_and_may_be_missing() -> None:
    assert received(pb.GetSecretRequest(ID="a").SerializeToString()).ID == "a"
    assert received() == pb.GetSecretRequest()


def test_a_malformed_request_is_refused() -> None:
    with pytest.raises(RemoteError, match="the request is not a valid GetSecretRequest") as caught:
        received(b"\xff")
    assert caught.value.code == Code.INTERNAL
