"""The control API of a daemon over a socket: one method for each call, in our own types."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import grpc
from attrs import frozen

from llb._pb import control_pb2 as pb
from llb.client import events
from llb.client.failures import from_rpc, unreachable
from llb.client.tls import TLSPipe
from llb.client.usage import Usage, from_record
from llb.platforms import Platform
from llb.tunnel import socket_pipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from llb._pb import ops_pb2
    from llb.client.tls import TLS
    from llb.tunnel import Pipe

_SERVICE = pb.DESCRIPTOR.services_by_name["Control"]
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    # The details of an error hold whole source files, and come as metadata.
    ("grpc.max_metadata_size", 16 << 20),
    ("grpc.absolute_max_metadata_size", 16 << 20),
    # The daemon is on this machine or named by the user; a proxy is for the web.
    ("grpc.enable_http_proxy", 0),
)
_CONNECT_SECONDS = 10.0
# A machine that is silent for half a minute is gone: how long until the kernel asks it, how long
# between its questions, how many of them, and how long what was sent may stay unconfirmed.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_UNCONFIRMED = ("TCP_USER_TIMEOUT", 30_000)


@frozen
class Worker:
    """Something in a daemon that runs steps: its platforms, its own first, and labels."""

    id: str
    labels: tuple[tuple[str, str], ...]
    platforms: tuple[Platform, ...]


@frozen
class Info:
    """Which BuildKit a daemon is."""

    package: str
    version: str
    revision: str


class Control:
    """A connection to a daemon.

    Raises ConnectError where nothing answers. Calls raise RemoteError with the
    daemon's status and TransportError where the connection breaks.
    """

    def __init__(self, address: str, target: str, tls: TLS | None = None) -> None:
        self.address = address
        self._tls = tls
        # grpc would try on and on where nothing listens.
        self.connect().close()
        self.channel = _channel(target, tls)
        self._greet()

    def _greet(self) -> None:
        """Raise ConnectError where what listens is no BuildKit."""
        try:
            self._unary("Info")(pb.InfoRequest(), timeout=_CONNECT_SECONDS)
        except grpc.RpcError as error:
            # A BuildKit from before this call is one too.
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                self.channel.close()
                reason = error.details() or error.code().name.lower()
                raise unreachable(self.address, reason) from error

    def info(self) -> Info:
        """Return which BuildKit this is."""
        version = self._call("Info", pb.InfoRequest()).buildkitVersion
        return Info(version.package, version.version, version.revision)

    def workers(self) -> tuple[Worker, ...]:
        """Return the workers of the daemon."""
        response = self._call("ListWorkers", pb.ListWorkersRequest())
        return tuple(
            Worker(
                id=record.ID,
                labels=tuple(sorted(record.Labels.items())),
                platforms=tuple(_platform(each) for each in record.platforms),
            )
            for record in response.record
        )

    def disk_usage(self, filters: Iterable[str]) -> tuple[Usage, ...]:
        """Return the records of the cache that all filters let through."""
        response = self._call("DiskUsage", pb.DiskUsageRequest(filter=filters))
        return tuple(map(from_record, response.record))

    def prune(self, request: pb.PruneRequest) -> Iterator[Usage]:
        """Throw records away, and yield each that is gone."""
        stream = self.channel.unary_stream(
            f"/{_SERVICE.full_name}/Prune",
            request_serializer=pb.PruneRequest.SerializeToString,
            response_deserializer=pb.UsageRecord.FromString,
        )
        try:
            yield from map(from_record, stream(request))
        except grpc.RpcError as error:
            raise from_rpc(error, self.address) from error

    def solve(
        self, request: pb.SolveRequest, timeout: float | None
    ) -> grpc.Future[pb.SolveResponse]:
        """Start a build and return its future, which raises grpc.RpcError."""
        future: grpc.Future[pb.SolveResponse] = self._unary("Solve").future(
            request, timeout=timeout
        )
        return future

    def status(self, ref: str) -> tuple[grpc.Call, Iterator[events.Event]]:
        """Return the call that follows a build, to cancel it, and the events that it yields."""
        stream = self.channel.unary_stream(
            f"/{_SERVICE.full_name}/Status",
            request_serializer=pb.StatusRequest.SerializeToString,
            response_deserializer=pb.StatusResponse.FromString,
        )
        call = stream(pb.StatusRequest(Ref=ref))
        return call, self._events(call)

    def connect(self) -> Pipe:
        """Return a further connection, as bytes; raises ConnectError."""
        connection = _connect(self.address)
        if self._tls is None:
            return socket_pipe(connection)
        host = self.address.partition("://")[2].rpartition(":")[0].strip("[]")
        try:
            connection.settimeout(_CONNECT_SECONDS)
            return TLSPipe(self._tls.wrap(connection, host))
        except OSError as error:
            connection.close()
            reason = getattr(error, "verify_message", None) or error.strerror or str(error)
            raise unreachable(self.address, f"TLS: {reason}") from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self.channel.close()

    def _events(self, call: Any) -> Iterator[events.Event]:
        try:
            for response in call:
                yield from events.from_response(response)
        except grpc.RpcError as error:
            raise from_rpc(error, self.address) from error

    def _call(self, name: str, request: Message) -> Any:
        try:
            return self._unary(name)(request)
        except grpc.RpcError as error:
            raise from_rpc(error, self.address) from error

    def _unary(self, name: str) -> Any:
        method = _SERVICE.methods_by_name[name]
        return self.channel.unary_unary(
            f"/{_SERVICE.full_name}/{name}",
            request_serializer=_message(method.input_type.name).SerializeToString,
            response_deserializer=_message(method.output_type.name).FromString,
        )


def _channel(target: str, tls: TLS | None) -> grpc.Channel:
    if tls is None:
        # A daemon is reached under the name of its socket, which is no host name.
        options = (*_OPTIONS, ("grpc.default_authority", "localhost"))
        return grpc.insecure_channel(target, options=options)
    named = (("grpc.ssl_target_name_override", tls.server_name),) if tls.server_name else ()
    return grpc.secure_channel(target, tls.credentials(), options=(*_OPTIONS, *named))


def _connect(address: str) -> socket.socket:
    """Return a socket that is connected to a daemon; raises ConnectError."""
    kind, _, place = address.partition("://")
    try:
        if kind != "unix":
            host, _, port = place.rpartition(":")
            return _kept_alive(
                socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS)
            )
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(place)
        except OSError:
            connection.close()
            raise
    except OSError as error:
        raise unreachable(address, error.strerror or str(error)) from error
    # A name that cannot be one, as with an empty label.
    except UnicodeError as error:
        raise unreachable(address, "invalid host name") from error
    return connection


def _kept_alive(connection: socket.socket) -> socket.socket:
    """Return the connection, which now breaks when the other machine is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEP_ALIVE, _UNCONFIRMED):
        # Not every system has every one.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection


def _message(name: str) -> Any:
    return getattr(pb, name)


def _platform(platform: ops_pb2.Platform) -> Platform:
    return Platform(
        os=platform.OS,
        architecture=platform.Architecture,
        variant=platform.Variant or None,
        os_version=platform.OSVersion or None,
        os_features=tuple(platform.OSFeatures),
    )
