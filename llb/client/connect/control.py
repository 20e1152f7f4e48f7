"""The daemon's control API: one method per call, with the client's own types."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from llb._pb import control_pb2 as pb
from llb.client.connect.calls import Calls, CallScope, Responses
from llb.client.connect.errors import call_error, ping_error
from llb.client.usage import Usage, from_record
from llb.errors import CancelledError, RemoteError
from llb.grpc import Code
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from llb._pb import ops_pb2
    from llb.client.connect.routes import Metadata, Route
    from llb.errors import LLBError
    from llb.grpc import Pipe
    from llb.grpc.interfaces import OutgoingCalls

M_ = TypeVar("M_", bound="Message")

CONTROL = "/moby.buildkit.v1.Control/"
_INFO = CONTROL + "Info"


@frozen
class Worker:
    """A worker, the part of a daemon that runs steps; most daemons have one.

    ``labels`` are pairs of key and value. ``platforms`` are those that it can run, the native one
    first and emulated ones after it.
    """

    id: str
    labels: tuple[tuple[str, str], ...]
    platforms: tuple[Platform, ...]


@frozen
class Info:
    """The version of a daemon's BuildKit.

    ``version`` is a string such as ``v0.32.2``, ``package`` the Go module, and ``revision`` the git
    commit, if the daemon knows it.
    """

    package: str
    version: str
    revision: str


class Control:
    """The control API of a daemon.

    Raises ConnectError if no daemon answers. Calls raise RemoteError with the daemon's status,
    TransportError if the connection breaks, and ConnectError if it has ended and cannot be
    reopened.
    """

    def __init__(self, route: Route) -> None:
        self.address = route.address
        self.docker = route.docker
        self.node = route.node
        self.loads = route.loads
        self._route = route
        self._calls: Calls | CallScope = Calls(route)
        try:
            self.ping(route.greet_seconds)
        except BaseException:
            self.close()
            raise

    @property
    def is_docker(self) -> bool:
        """Whether it is the BuildKit inside Docker."""
        return self.docker is not None

    def scope(self) -> Control:
        """Copy the control API so that closing the copy ends its calls, and nothing else."""
        assert isinstance(self._calls, Calls)
        control = copy(self)
        control._calls = CallScope(self._calls)
        return control

    def ping(self, timeout: float) -> None:
        """Check that a BuildKit answers; raises ConnectError if none does."""

        def translate(error: LLBError) -> LLBError:
            return ping_error(error, self.address)

        request = pb.InfoRequest()
        # BuildKit before v0.11 does not implement this call, but has answered.
        with suppress(RemoteError):
            self._calls.start(_INFO, request, pb.InfoResponse, translate, timeout=timeout).single()

    def info(self, timeout: float | None = None) -> Info:
        """Query the daemon's version; raises RemoteError if the daemon is too old to report it."""
        try:
            response = self.ask(_INFO, pb.InfoRequest(), pb.InfoResponse, timeout=timeout)
            version = response.single().buildkitVersion
        except RemoteError as error:
            if error.code != Code.UNIMPLEMENTED:
                raise
            raise RemoteError(
                f"the daemon at {self.address} does not report its version",
                code=error.code,
                hint="BuildKit v0.11 and Docker Engine 23.0 were the first to report it",
            ) from error
        return Info(version.package, version.version, version.revision)

    def workers(
        self, filters: Iterable[str] = (), *, timeout: float | None = None
    ) -> tuple[Worker, ...]:
        """List the workers that pass at least one of the filters."""
        request = pb.ListWorkersRequest(filter=filters)
        method = CONTROL + "ListWorkers"
        response = self.ask(method, request, pb.ListWorkersResponse, timeout=timeout).single()
        return tuple(
            Worker(
                id=record.ID,
                labels=tuple(sorted(record.Labels.items())),
                platforms=tuple(_platform(platform) for platform in record.platforms),
            )
            for record in response.record
        )

    def disk_usage(self, filters: Iterable[str]) -> tuple[Usage, ...]:
        """List the cache records that pass all filters."""
        request = pb.DiskUsageRequest(filter=filters)
        response = self.ask(CONTROL + "DiskUsage", request, pb.DiskUsageResponse).single()
        return tuple(map(from_record, response.record))

    def prune(self, request: pb.PruneRequest) -> Iterator[Usage]:
        """Remove cache records, and yield each removed one."""
        yield from map(from_record, self.ask(CONTROL + "Prune", request, pb.UsageRecord))

    def solve(
        self, request: pb.SolveRequest, timeout: float | None, metadata: Metadata = ()
    ) -> Responses[pb.SolveResponse]:
        """Start a build; its single response arrives at the end."""
        method = CONTROL + "Solve"
        return self.ask(method, request, pb.SolveResponse, timeout=timeout, metadata=metadata)

    def status(self, ref: str) -> Responses[pb.StatusResponse]:
        """Follow the progress of a build."""
        return self.ask(CONTROL + "Status", pb.StatusRequest(Ref=ref), pb.StatusResponse)

    def ask(
        self,
        method: str,
        request: Message,
        response_type: type[M_],
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Responses[M_]:
        """Call a method by its path; raises the same errors as all calls."""

        def translate(error: LLBError) -> LLBError:
            return call_error(error, self.address)

        return self._calls.start(
            method, request, response_type, translate, timeout=timeout, metadata=metadata
        )

    def connect(self) -> Pipe:
        """Open another connection, as a pipe of bytes; raises ConnectError."""
        return self._route.connect()

    def channel(self) -> OutgoingCalls:
        """Open another connection, for gRPC calls; raises ConnectError."""
        return self._route.channel()

    def open_session(self, metadata: Metadata, timeout: float | None = None) -> Pipe:
        """Open the byte stream of a new session; raises ConnectError.

        Raises CancelledError after ``timeout`` seconds.
        """
        try:
            return self._calls.open_session(metadata, timeout)
        except CancelledError as error:
            raise call_error(error, self.address) from error

    def close(self) -> None:
        """Close the connection, or end the calls of a scope; a second call does nothing."""
        self._calls.close()


def _platform(platform: ops_pb2.Platform) -> Platform:
    return Platform(
        os=platform.OS,
        architecture=platform.Architecture,
        variant=platform.Variant or None,
        os_version=platform.OSVersion or None,
        os_features=tuple(platform.OSFeatures),
    )
