"""A server of grpcio for any bytes, a listener for our server, and a pipe that counts pings."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc

from llb.errors import TransportError
from llb.grpc import Server, socket_pipe
from llb.grpc.status import encode_status
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llb.grpc import Handler, Pipe

MIB = 2**20
LARGE = (("grpc.max_receive_message_length", 16 * MIB), ("grpc.max_send_message_length", 16 * MIB))
PING, PING_ACK = (b"\x00\x00\x08\x06" + flags + bytes(4) for flags in (b"\x00", b"\x01"))


class GrpcioServer:
    """A server of grpcio on a unix socket, whose handlers take and yield bytes.

    ``yielded`` and ``taken`` count the messages of Produce and Collect. Collect begins to read when
    ``may_read`` is set. Sleep ends when the call does, which sets ``has_ended``.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Any] | None = None, **more: Any) -> None:
        self.address = f"unix:{path}"
        self.yielded = self.taken = 0
        self.may_read, self.has_started, self.has_ended = (threading.Event() for _ in range(3))
        self.may_read.set()
        self._path = path
        self._handlers = {
            "/tunnel.Test/Echo": self._chat,
            "/tunnel.Test/Chat": self._chat,
            "/tunnel.Test/Collect": self._collect,
            "/tunnel.Test/Produce": self._produce,
            "/tunnel.Test/Fail": self._fail,
            "/tunnel.Test/Sleep": self._sleep,
            "/tunnel.Test/Metadata": self._metadata,
            **(handlers or {}),
        }
        options = (*LARGE, *more.pop("options", ()))
        self._pool = ThreadPoolExecutor(120)
        self.server = grpc.server(self._pool, options=options, **more)
        self.server.add_generic_rpc_handlers((self,))  # type: ignore[arg-type]
        self.server.add_insecure_port(self.address)
        self.server.start()

    def service(self, call: grpc.HandlerCallDetails) -> Any:
        """Find the handler of a call, as a ``grpc.GenericRpcHandler`` does."""
        handler = self._handlers.get(call.method)
        return handler and grpc.stream_stream_rpc_method_handler(handler)

    def dial(self) -> Pipe:
        """Connect to the server."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self._path))
        return socket_pipe(connection)

    def close(self) -> None:
        """Stop the server, and wait for its handlers."""
        self.may_read.set()
        self.server.stop(0).wait(SECONDS)
        self._pool.shutdown()

    @staticmethod
    def _chat(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        yield from requests

    def _collect(self, requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        self.may_read.wait(SECONDS)
        size = 0
        for request in requests:
            self.taken += 1
            size += len(request)
        yield b"%d %d" % (self.taken, size)

    def _produce(self, requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        count, size = map(int, next(requests).split())
        message = bytes(size)
        for _number in range(count):
            self.yielded += 1
            yield message

    @staticmethod
    def _fail(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        failure = json.loads(next(requests))
        body = encode_status(
            failure["code"],
            failure["message"],
            tuple(text.encode() for text in failure["details"]),
        )
        context.set_trailing_metadata((("grpc-status-details-bin", body),))
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.set_code(codes[failure["code"]])
        context.set_details(failure["message"])
        yield from ()

    def _sleep(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        next(requests)
        context.add_callback(self.has_ended.set)
        self.has_started.set()
        self.has_ended.wait(SECONDS)
        yield from ()

    @staticmethod
    def _metadata(_: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        names: dict[str, list[str]] = {}
        for name, value in context.invocation_metadata():
            text = value.hex() if isinstance(value, bytes) else value
            names.setdefault(name, []).append(text)
        yield json.dumps(names).encode()


class PingPipe:
    """A pipe that counts the pings it reads and their answers that it writes."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._read, self._written = bytearray(), bytearray()

    @property
    def answered(self) -> int:
        """The number of pings that were answered."""
        return min(self._read.count(PING), self._written.count(PING_ACK))

    def read(self) -> bytes:
        data = self._pipe.read()
        self._read += data
        return data

    def write(self, data: bytes) -> None:
        self._written += data
        self._pipe.write(data)

    def close(self) -> None:
        self._pipe.close()


class Listener:
    """Our server behind a unix socket; ``connections`` are the servers of its connections."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], **options: Any) -> None:
        self.address = f"unix:{path}"
        self.connections: list[tuple[Server, PingPipe]] = []
        self._handlers, self._options = handlers, options
        self._threads = [threading.Thread(target=self._accept)]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._threads[0].start()

    def close(self) -> None:
        """Close the socket and all connections, and wait for their handlers."""
        self._socket.shutdown(socket.SHUT_RDWR)
        for server, _ in self.connections:
            server.close()
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                pipe = PingPipe(socket_pipe(connection))
                server = Server(pipe, self._handlers, **self._options)
                self.connections.append((server, pipe))
                self._threads.append(threading.Thread(target=self._serve, args=(server,)))
                self._threads[-1].start()

    @staticmethod
    def _serve(server: Server) -> None:
        with suppress(TransportError):
            server.serve()
