"""Builds that a daemon remembers: what they were, what they printed, what they made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from llb._pb import content_pb2, control_pb2
from llb.client.connect.control import CONTROL
from llb.client.progress.events import from_response
from llb.client.progress.raw_reports import to_report
from llb.client.results import Blob
from llb.errors import InputError, RemoteError
from llb.grpc.status import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from llb.client.connect.control import Control
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report

M_ = TypeVar("M_", bound="Message")

_CONTENT = "/containerd.services.content.v1.Content/"


@frozen
class BuildRecord:
    """A build in the history of a daemon.

    ``ref`` is its name there. ``completed`` is absent while it runs, and ``error`` where it
    succeeded. Of its steps it is told how many there were, how many ended, and how many came
    from the cache. ``exports`` are kind and attributes of its exporters, ``exporter_response``
    what the frontend said of the result, ``results`` and ``attestations`` what it made,
    ``trace`` its spans where the daemon traced it. One that is ``pinned`` is kept.
    """

    ref: str
    frontend: str
    frontend_attrs: Mapping[str, str]
    exports: tuple[tuple[str, Mapping[str, str]], ...]
    exporter_response: Mapping[str, str]
    error: str | None
    created: datetime | None
    completed: datetime | None
    total_steps: int
    completed_steps: int
    cached_steps: int
    warnings: int
    pinned: bool
    results: tuple[Blob, ...]
    attestations: tuple[Blob, ...]
    trace: Blob | None

    @property
    def status(self) -> str:
        """``running``, ``completed``, ``canceled`` or ``error``."""
        if self.completed is None:
            return "running"
        if self.error is None:
            return "completed"
        return "canceled" if "context canceled" in self.error else "error"

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far."""
        if self.created is None:
            return None
        return (self.completed or datetime.now(UTC)) - self.created


class History:
    """The builds that a daemon remembers; those that were before v0.11 remember none.

    Methods raise RemoteError with the daemon's status, and InputError for a build that
    it does not know.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    def builds(
        self, *, filters: Iterable[str] = (), limit: int = 0, active_only: bool = False
    ) -> tuple[BuildRecord, ...]:
        """Return the builds, the newest first; with ``active_only`` those that run.

        ``filters`` are BuildKit's, such as ``status==error`` or ``startedAt>1h``; a build has
        to pass all of them. With a ``limit`` above 0 there are at most as many that ended.
        """
        request = control_pb2.BuildHistoryRequest(
            EarlyExit=True, ActiveOnly=active_only, Filter=filters, Limit=limit
        )
        found = {build.ref: build for build in self._listen(request)}
        oldest = datetime.min.replace(tzinfo=UTC)
        return tuple(sorted(found.values(), key=lambda each: each.created or oldest, reverse=True))

    def watch(self, *, ref: str = "", active_only: bool = False) -> Iterator[BuildRecord]:
        """Yield each build as it begins, changes and ends, without an end.

        First come those that run, and without ``active_only`` those that ended. With a
        ``ref`` it is that build alone.
        """
        yield from self._listen(control_pb2.BuildHistoryRequest(ActiveOnly=active_only, Ref=ref))

    def build(self, ref: str) -> BuildRecord:
        """Return one build."""
        request = control_pb2.BuildHistoryRequest(EarlyExit=True, Ref=ref)
        try:
            found = list(self._listen(request))
        except RemoteError as error:
            # So says a daemon of one that was removed a moment ago.
            if f"ref {ref} is deleted" not in error.message:
                raise
            found = []
        if not ref or not found:
            raise InputError(
                f"the daemon remembers no build {ref!r}", hint="see `llb history ls` for all"
            )
        return found[-1]

    def events(self, ref: str) -> Iterator[Event]:
        """Yield what happened in a build; while it runs, as it happens."""
        for response in self._responses(ref):
            yield from from_response(response)

    def reports(self, ref: str) -> Iterator[Report]:
        """Yield the same as JSON, message by message (:mod:`llb.client.progress.raw_reports`)."""
        yield from map(to_report, self._responses(ref))

    def pin(self, ref: str, *, pinned: bool = True) -> None:
        """Keep a build, or let it be forgotten in its turn."""
        self.build(ref)
        self._update(control_pb2.UpdateBuildHistoryRequest(Ref=ref, Pinned=pinned))

    def remove(self, ref: str) -> None:
        """Forget a build, with what is kept of it alone."""
        self.build(ref)
        self._update(control_pb2.UpdateBuildHistoryRequest(Ref=ref, Delete=True))

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a blob, such as a build's trace or an attestation."""
        request = content_pb2.ReadContentRequest(digest=blob.digest)
        for each in self._stream(_CONTENT + "Read", request, content_pb2.ReadContentResponse):
            yield each.data

    def _responses(self, ref: str) -> Iterator[control_pb2.StatusResponse]:
        self.build(ref)
        yield from self._control.status(ref)

    def _listen(self, request: control_pb2.BuildHistoryRequest) -> Iterator[BuildRecord]:
        path = CONTROL + "ListenBuildHistory"
        for event in self._stream(path, request, control_pb2.BuildHistoryEvent):
            if event.type != control_pb2.DELETED:
                yield _from_record(event.record)

    def _update(self, request: control_pb2.UpdateBuildHistoryRequest) -> None:
        method = CONTROL + "UpdateBuildHistory"
        self._control.ask(method, request, control_pb2.UpdateBuildHistoryResponse).only()

    def _stream(self, path: str, request: Message, answer: type[M_]) -> Iterator[M_]:
        try:
            yield from self._control.ask(path, request, answer)
        except RemoteError as error:
            if error.code == Code.UNIMPLEMENTED:
                error.hint = "daemons remember builds since BuildKit v0.11"
            raise


def _from_record(record: control_pb2.BuildHistoryRecord) -> BuildRecord:
    parts = [record.Result, *(record.Results[key] for key in sorted(record.Results))]
    results = [each.Results[key] for each in parts for key in sorted(each.Results)]
    attestations = [attestation for each in parts for attestation in each.Attestations]
    return BuildRecord(
        ref=record.Ref,
        frontend=record.Frontend,
        frontend_attrs=dict(record.FrontendAttrs),
        exports=tuple((each.Type, dict(each.Attrs)) for each in record.Exporters),
        exporter_response=dict(record.ExporterResponse),
        error=record.error.message if record.HasField("error") else None,
        created=_moment(record.CreatedAt) if record.HasField("CreatedAt") else None,
        completed=_moment(record.CompletedAt) if record.HasField("CompletedAt") else None,
        total_steps=record.numTotalSteps,
        completed_steps=record.numCompletedSteps,
        cached_steps=record.numCachedSteps,
        warnings=record.numWarnings,
        pinned=record.pinned,
        results=tuple(map(_blob, results)),
        attestations=tuple(map(_blob, attestations)),
        trace=_blob(record.trace) if record.HasField("trace") else None,
    )


def _blob(descriptor: control_pb2.Descriptor) -> Blob:
    return Blob(descriptor.media_type, descriptor.digest, descriptor.size)


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
