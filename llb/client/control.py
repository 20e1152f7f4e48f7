"""The control API of a daemon: one method for each call, in our own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from attrs import frozen

from llb._pb import control_pb2 as pb
from llb.client.failures import from_rpc, unreachable
from llb.client.usage import Usage, from_record
from llb.errors import RemoteError
from llb.platforms import Platform
from llb.tunnel import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from llb._pb import ops_pb2
    from llb.client.routes import Route
    from llb.client.tls import TLS
    from llb.client.tracing import Metadata
    from llb.errors import CancelledError, TransportError
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

    def __init__(self, route: Route) -> None:
        self.address = route.address
        self.is_docker = route.is_docker
        self._route = route
        # grpc would try on and on where nothing listens.
        route.check()
        self.channel = _channel(route.target, route.tls)
        try:
            self.ping(route.greet_seconds)
        except BaseException:
            self.close()
            raise

    def ping(self, timeout: float) -> None:
        """Ask for a sign of life; raises ConnectError where no BuildKit gives one."""
        try:
            self._unary("Info")(pb.InfoRequest(), timeout=timeout)
        except grpc.RpcError as error:
            # A BuildKit from before this call is one too.
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                reason = error.details() or error.code().name.lower()
                raise unreachable(self.address, self._route.problem or reason) from error

    def info(self) -> Info:
        """Return which BuildKit this is; raises RemoteError where it is too old to tell."""
        try:
            version = self._call("Info", pb.InfoRequest()).buildkitVersion
        except RemoteError as error:
            if error.code != Code.UNIMPLEMENTED:
                raise
            raise RemoteError(
                f"the daemon at {self.address} does not tell its version",
                code=error.code,
                hint="every BuildKit since v0.11 does, and Docker Engine since 23.0",
            ) from error
        return Info(version.package, version.version, version.revision)

    def workers(self, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """Return the workers of the daemon that one of the filters lets through."""
        response = self._call("ListWorkers", pb.ListWorkersRequest(filter=filters))
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
            raise self.error_of(error) from error

    def solve(
        self, request: pb.SolveRequest, timeout: float | None, metadata: Metadata = ()
    ) -> grpc.Future[pb.SolveResponse]:
        """Start a build and return its future, which raises grpc.RpcError."""
        future: grpc.Future[pb.SolveResponse] = self._unary("Solve").future(
            request, timeout=timeout, metadata=metadata
        )
        return future

    def status(self, ref: str) -> tuple[grpc.Call, Iterator[pb.StatusResponse]]:
        """Return the call that follows a build, to cancel it, and the messages that it yields."""
        stream = self.channel.unary_stream(
            f"/{_SERVICE.full_name}/Status",
            request_serializer=pb.StatusRequest.SerializeToString,
            response_deserializer=pb.StatusResponse.FromString,
        )
        call = stream(pb.StatusRequest(Ref=ref))
        return call, self._responses(call)

    def connect(self) -> Pipe:
        """Return a further connection, as bytes; raises ConnectError."""
        return self._route.connect()

    def open_session(self, metadata: Iterable[tuple[str, str]]) -> Pipe:
        """Return the byte stream of a new session; raises ConnectError."""
        return self._route.open_session(metadata)

    def error_of(self, error: grpc.RpcError) -> RemoteError | TransportError | CancelledError:
        """Return the error of this package for one of grpc's."""
        return from_rpc(error, self.address, self._route.problem)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self.channel.close()
        self._route.close()

    def _responses(self, call: Any) -> Iterator[pb.StatusResponse]:
        try:
            yield from call
        except grpc.RpcError as error:
            raise self.error_of(error) from error

    def _call(self, name: str, request: Message) -> Any:
        try:
            return self._unary(name)(request)
        except grpc.RpcError as error:
            raise self.error_of(error) from error

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
