"""A request that is too large for BuildKit is refused."""

from __future__ import annotations

import pytest

from llb._pb import gateway_pb2 as pb
from llb.definition.message_size import MESSAGE_LIMIT, sending
from llb.errors import InvalidDefinitionError, RemoteError

HINT = (
    "combine steps; pass large files as llb.Local or llb.client.Upload instead of writing "
    "their content"
)
REFUSAL = "grpc: received message larger than max (5000000 vs. 4194304)"


def request(size: int) -> pb.ReadFileRequest:
    """Build a message of a size that has a length of four bytes."""
    message = pb.ReadFileRequest(FilePath=b"x" * (size - 5))
    assert message.ByteSize() == size
    return message


def test_the_largest_request_is_sent() -> None:
    with sending(request(MESSAGE_LIMIT)):
        pass


def test_a_larger_request_is_not_sent() -> None:
    sent = []
    with pytest.raises(InvalidDefinitionError) as caught, sending(request(MESSAGE_LIMIT + 2**20)):
        sent.append(True)
    assert sent == []
    assert str(caught.value) == (
        f"the request with the definition has 17.0 MiB: BuildKit accepts 16 MiB ({HINT})"
    )


def test_the_refusal_of_a_daemon_with_another_limit_is_translated() -> None:
    with pytest.raises(InvalidDefinitionError) as caught, sending(request(5 * 2**20)):
        raise RemoteError(REFUSAL, code=8)
    assert str(caught.value) == (f"the request with the definition has 5.0 MiB: {REFUSAL} ({HINT})")


@pytest.mark.parametrize(("code", "message"), [(2, REFUSAL), (8, "no memory")])
def test_other_errors_are_unchanged(code: int, message: str) -> None:
    error = RemoteError(message, code=code)
    with pytest.raises(RemoteError) as caught, sending(request(3 * 2**20)):
        raise error
    assert caught.value is error
