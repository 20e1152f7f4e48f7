"""A frontend reads files of any size, and is told what does not fit into a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb import HTTP, Local, files
from llb._pb import gateway_pb2 as pb
from llb.errors import InvalidDefinitionError, RemoteError, TransportError
from llb.gateway import Gateway, Request, Result
from llb.testing.gateway import run_frontend
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Handler, ServerCall

LARGE = bytes(range(256)) * (20 * 2**20 // 256)
CONTEXT = Local("context").marshal()


def ask(function: Callable[[Gateway], Any], **options: Any) -> Any:
    """Run a function as a frontend and return its value."""
    values = []

    def frontend(_: Request, gateway: Gateway) -> Result:
        values.append(function(gateway))
        return Result()

    run_frontend(frontend, **options).checked()
    return values[0]


def test_a_file_larger_than_a_message_is_read() -> None:
    def read(gateway: Gateway) -> bytes:
        return gateway.read_file(gateway.solve(CONTEXT), "large")

    assert ask(read, files={"large": LARGE}) == LARGE


def test_a_range_larger_than_a_message_is_read() -> None:
    def read(gateway: Gateway) -> bytes:
        return gateway.read_file(gateway.solve(CONTEXT), "large", offset=3, length=18 * 2**20)

    assert ask(read, files={"large": LARGE}) == LARGE[3 : 3 + 18 * 2**20]


def test_a_directory_that_does_not_fit_into_a_message_is_named() -> None:
    def read(gateway: Gateway) -> str:
        with pytest.raises(RemoteError) as caught:
            gateway.read_dir(gateway.solve(CONTEXT), "/usr")
        return str(caught.value)

    error = RemoteError("grpc: trying to send message larger than max", code=8)
    assert ask(read, files={}, errors={"ReadDir": error}) == (
        "cannot list /usr: the answer is larger than a message of 16 MiB "
        "(list a part of it with a pattern)"
    )


def test_a_definition_that_does_not_fit_into_a_message_is_refused() -> None:
    definition = files({"large": LARGE}).marshal()

    def solve(gateway: Gateway) -> list[str]:
        messages = []
        for send in (
            lambda: gateway.solve(definition),
            lambda: gateway.solve_frontend("other.v0", {}, inputs={"context": definition}),
        ):
            with pytest.raises(InvalidDefinitionError) as caught:
                send()
            messages.append(str(caught.value))
        return messages

    refusal = (
        "the request with the definition has 20.0 MiB: BuildKit accepts 16 MiB (combine steps; "
        "pass large files as llb.Local or llb.client.Upload instead of writing their content)"
    )
    assert ask(solve) == [refusal] * 2


class UntimelyDaemon:
    """A daemon that reports a time outside the calendar for a URL."""

    failures = ()

    def handlers(self) -> dict[str, Handler]:
        service = "/moby.buildkit.v1.frontend.LLBBridge/"
        return {f"{service}Ping": self.ping, f"{service}ResolveSourceMeta": self.resolve}

    def ping(self, call: ServerCall) -> None:
        pong = pb.PongResponse()
        pong.FrontendAPICaps.add(ID="source.metaresolver", Enabled=True)
        call.send(pong.SerializeToString())

    def resolve(self, call: ServerCall) -> None:
        response = pb.ResolveSourceMetaResponse()
        response.HTTP.LastModified.seconds = 2**62
        call.send(response.SerializeToString())


def test_a_time_outside_the_calendar_is_an_error() -> None:
    with (
        offered(UntimelyDaemon()) as channel,
        pytest.raises(TransportError, match="invalid time from the daemon"),
    ):
        Gateway(channel).resolve_source(HTTP("https://example.com/file").marshal())
