"""The control API of a daemon: one method for each call, in our own types."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from llb._pb import control_pb2 as pb
from llb.client.connect.calls import Answers, Calls
from llb.client.connect.errors import of_call, of_greeting
from llb.client.usage import Usage, from_record
from llb.errors import RemoteError
from llb.grpc import Code
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from llb._pb import ops_pb2
    from llb.client.connect.routes import Metadata, Route
    from llb.errors import LLBError
    from llb.grpc import Channel, Pipe

M_ = TypeVar("M_", bound="Message")

CONTROL = "/moby.buildkit.v1.Control/"
_INFO = CONTROL + "Info"


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
    """The control API of a daemon.

    Raises ConnectError where nothing answers. Calls raise RemoteError with the daemon's
    status, TransportError where the connection breaks, and ConnectError where it has ended
    and no other can be made.
    """

    def __init__(self, route: Route) -> None:
        self.address = route.address
        self.is_docker = route.is_docker
        self._route = route
        self._calls = Calls(route)
        try:
            self.ping(route.greet_seconds)
        except BaseException:
            self.close()
            raise

    def ping(self, timeout: float) -> None:
        """Ask for a sign of life; raises ConnectError where no BuildKit gives one."""

        def translated(error: LLBError) -> LLBError:
            return of_greeting(error, self.address)

        request = pb.InfoRequest()
        # A BuildKit from before this call is one too.
        with suppress(RemoteError):
            self._calls.ask(_INFO, request, pb.InfoResponse, translated, timeout=timeout).only()

    def info(self) -> Info:
        """Return which BuildKit this is; raises RemoteError where it is too old to tell."""
        try:
            version = self.ask(_INFO, pb.InfoRequest(), pb.InfoResponse).only().buildkitVersion
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
        request = pb.ListWorkersRequest(filter=filters)
        response = self.ask(CONTROL + "ListWorkers", request, pb.ListWorkersResponse).only()
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
        request = pb.DiskUsageRequest(filter=filters)
        response = self.ask(CONTROL + "DiskUsage", request, pb.DiskUsageResponse).only()
        return tuple(map(from_record, response.record))

    def prune(self, request: pb.PruneRequest) -> Iterator[Usage]:
        """Throw records away, and yield each that is gone."""
        yield from map(from_record, self.ask(CONTROL + "Prune", request, pb.UsageRecord))

    def solve(
        self, request: pb.SolveRequest, timeout: float | None, metadata: Metadata = ()
    ) -> Answers[pb.SolveResponse]:
        """Start a build, whose one answer comes when it is over."""
        method = CONTROL + "Solve"
        return self.ask(method, request, pb.SolveResponse, timeout=timeout, metadata=metadata)

    def status(self, ref: str) -> Answers[pb.StatusResponse]:
        """Return what follows a build."""
        return self.ask(CONTROL + "Status", pb.StatusRequest(Ref=ref), pb.StatusResponse)

    def ask(
        self,
        method: str,
        request: Message,
        answer: type[M_],
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Answers[M_]:
        """Call a method by its path; raises as all calls do."""

        def translated(error: LLBError) -> LLBError:
            return of_call(error, self.address)

        return self._calls.ask(
            method, request, answer, translated, timeout=timeout, metadata=metadata
        )

    def connect(self) -> Pipe:
        """Return a further connection, as bytes; raises ConnectError."""
        return self._route.connect()

    def channel(self) -> Channel:
        """Return a further connection, for calls; raises ConnectError."""
        return self._route.channel()

    def open_session(self, metadata: Metadata) -> Pipe:
        """Return the byte stream of a new session; raises ConnectError."""
        return self._route.open_session(metadata)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._calls.close()


def _platform(platform: ops_pb2.Platform) -> Platform:
    return Platform(
        os=platform.OS,
        architecture=platform.Architecture,
        variant=platform.Variant or None,
        os_version=platform.OSVersion or None,
        os_features=tuple(platform.OSFeatures),
    )
