"""Call a method through a ``grpc.Channel`` as a stub would: with its kind and its messages.

Interceptors depend on both: a unary call reaches other interceptors than a stream, and they receive
protobuf messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import grpc
    from google.protobuf.message import Message


@frozen
class Method:
    """A method by its path, whether it streams requests and responses, and their messages.

    Without classes, messages are bytes.
    """

    path: str
    streams_requests: bool = True
    streams_responses: bool = True
    request: type[Message] | None = None
    response: type[Message] | None = None

    def start(
        self,
        channel: grpc.Channel,
        requests: Iterator[bytes],
        timeout: float | None,
        metadata: Iterable[tuple[str, str | bytes]],
    ) -> Any:
        """Start a call, and return grpcio's object for it.

        Takes one request first if there is only one; raises StopIteration if there is none.
        """
        multi_callable = self._multi_callable(channel)
        start = multi_callable if self.streams_responses else multi_callable.future
        messages = map(self._to_request, requests)
        argument = messages if self.streams_requests else next(messages)
        return start(argument, timeout=timeout, metadata=tuple(metadata))

    def responses(self, call: Any) -> Iterator[bytes]:
        """Yield the responses of a call; raises the errors of grpcio and of interceptors."""
        for message in call if self.streams_responses else [call.result()]:
            yield _to_bytes(message)

    def _multi_callable(self, channel: grpc.Channel) -> Any:
        match self.streams_requests, self.streams_responses:
            case False, False:
                create: Any = channel.unary_unary
            case False, True:
                create = channel.unary_stream
            case True, False:
                create = channel.stream_unary
            case _:
                create = channel.stream_stream
        return create(
            self.path,
            request_serializer=_to_bytes,
            response_deserializer=None if self.response is None else self.response.FromString,
        )

    def _to_request(self, data: bytes) -> Message | bytes:
        return data if self.request is None else self.request.FromString(data)


def find_method(path: str) -> Method:
    """Look up a method by its path; one without a loaded descriptor streams bytes."""
    try:
        descriptor = Default().FindMethodByName(path.removeprefix("/").replace("/", "."))
    except KeyError:
        return Method(path)
    return Method(
        path,
        descriptor.client_streaming,
        descriptor.server_streaming,
        GetMessageClass(descriptor.input_type),
        GetMessageClass(descriptor.output_type),
    )


def _to_bytes(message: Message | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
