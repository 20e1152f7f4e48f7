"""Build history of a daemon: past and running builds, their logs, results and attestations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from attrs import frozen

from llb._lazy import lazy_imports
from llb._pb import content_pb2, control_pb2
from llb.arguments.checked import checked
from llb.client.connect.control import CONTROL
from llb.client.progress.events import from_response
from llb.client.progress.raw_reports import to_report
from llb.client.results import Blob
from llb.client.timestamps import to_time
from llb.errors import InputError, RemoteError
from llb.grpc.status import Code
from llb.local_files.atomic_write import WholeFile
from llb.local_files.writable import check_file

with lazy_imports(__name__):
    from llb.client.records import (
        attachments,  # 1 ms
        bundle,  # 12 ms
        provenance,  # 1 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from llb.client.connect.control import Control
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.client.records.attachments import Attachment

M_ = TypeVar("M_", bound="Message")

_CONTENT = "/containerd.services.content.v1.Content/"


@frozen
class BuildRecord:
    """A build in the history of a daemon.

    ``ref`` is its name there. ``completed`` is None while the build runs; ``error`` is None unless
    it failed or was canceled. ``total_steps``, ``completed_steps`` and ``cached_steps`` count its
    steps.
    ``exports`` are the types and attributes of its exporters, ``exporter_response`` the frontend's
    metadata of the result. ``results`` and ``attestations`` are the blobs it produced, and
    ``trace`` its OpenTelemetry spans if the daemon recorded them. A ``pinned`` build is not
    removed automatically.
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
        """The time the build took, or has taken so far."""
        if self.created is None:
            return None
        return (self.completed or datetime.now(UTC)) - self.created


class History:
    """The build history of a daemon, which exists since BuildKit v0.11.

    Methods raise RemoteError with the daemon's status, and InputError for an unknown build.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    @checked
    def builds(
        self, *, filters: Iterable[str] = (), limit: int = 0, active_only: bool = False
    ) -> tuple[BuildRecord, ...]:
        """List builds, the newest first; with ``active_only``, only those that are running.

        ``filters`` are BuildKit's, such as ``status==error`` or ``startedAt>1h``; a build must
        pass all of them. A ``limit`` above 0 bounds the number of finished builds.
        """
        request = control_pb2.BuildHistoryRequest(
            EarlyExit=True, ActiveOnly=active_only, Filter=filters, Limit=limit
        )
        builds = {build.ref: build for build in self._listen(request)}
        oldest = datetime.min.replace(tzinfo=UTC)
        return tuple(
            sorted(builds.values(), key=lambda build: build.created or oldest, reverse=True)
        )

    @checked
    def watch(self, *, ref: str = "", active_only: bool = False) -> Iterator[BuildRecord]:
        """Yield each build as it starts, changes and ends, without end.

        Running builds come first and, without ``active_only``, finished ones. ``ref`` limits this
        to one build.
        """
        yield from self._listen(control_pb2.BuildHistoryRequest(ActiveOnly=active_only, Ref=ref))

    @checked
    def build(self, ref: str) -> BuildRecord:
        """Look up one build by its reference. Raises InputError if it is unknown."""
        return _from_record(self._record(ref))

    def _record(self, ref: str) -> control_pb2.BuildHistoryRecord:
        request = control_pb2.BuildHistoryRequest(EarlyExit=True, Ref=ref)
        try:
            records = list(self._records(request))
        except RemoteError as error:
            # This is the daemon's answer for a build that has just been removed.
            if f"ref {ref} is deleted" not in error.message:
                raise
            records = []
        if not ref or not records:
            raise InputError(
                f"unknown build {ref!r}", hint="list the daemon's builds with `llb history ls`"
            )
        return records[-1]

    @checked
    def events(self, ref: str) -> Iterator[Event]:
        """Yield the events of a build; while it runs, as they happen."""
        for response in self._responses(ref):
            yield from from_response(response)

    @checked
    def reports(self, ref: str) -> Iterator[Report]:
        """Yield the same message by message, as ``llb build --progress rawjson`` prints it."""
        yield from map(to_report, self._responses(ref))

    @checked
    def pin(self, ref: str, *, pinned: bool = True) -> None:
        """Pin a build so that it is kept, or unpin it."""
        self.build(ref)
        self._update(control_pb2.UpdateBuildHistoryRequest(Ref=ref, Pinned=pinned))

    @checked
    def remove(self, ref: str) -> None:
        """Remove a build from the history, with the data only it refers to."""
        self.build(ref)
        self._update(control_pb2.UpdateBuildHistoryRequest(Ref=ref, Delete=True))

    @checked
    def read(self, blob: Blob) -> Iterator[bytes]:
        """Read a blob, such as a build's trace or an attestation, in chunks."""
        request = content_pb2.ReadContentRequest(digest=blob.digest)
        for response in self._stream(_CONTENT + "Read", request, content_pb2.ReadContentResponse):
            yield response.data

    @checked
    def provenance(self, ref: str) -> dict[str, dict[str, Any]]:
        """Read the SLSA provenance of a build that has ended, by platform, as JSON values.

        The name of the platform is empty for a build without the option. The daemon records it for
        every build of a frontend, also if the image has none. Raises InputError for an unknown
        build, and TransportError for an invalid provenance.
        """
        return provenance.read_provenance(self._record(ref), self._read_blob)

    @checked
    def attachments(self, ref: str) -> tuple[Attachment, ...]:
        """List what the daemon keeps of a build: manifests and attestations, for :meth:`read`.

        Raises InputError for an unknown build.
        """
        return attachments.list_attachments(self._record(ref), self._read_blob)

    @checked
    def export(
        self,
        output: str | Path | BinaryIO,
        *,
        refs: Iterable[str] = (),
        all_builds: bool = False,
        finalize: bool = False,
    ) -> None:
        """Write builds that have ended to a ``.dockerbuild`` file, which Docker Desktop imports.

        Without ``refs``, this is the last build; with ``all_builds``, all of them. ``finalize`` asks
        the daemon to add the traces first, which otherwise follow some seconds after a build. Tokens
        in traces and secret attributes of caches are left out. Raises InputError also for a build
        that runs, and if the file cannot be written.
        """
        names = tuple(refs)
        if isinstance(output, str | PathLike):
            check_file(output)
        records = self._ended(names, all_builds=all_builds)
        if finalize and any(not record.HasField("trace") for record in records):
            for record in records:
                if not record.HasField("trace"):
                    self._update(
                        control_pb2.UpdateBuildHistoryRequest(Ref=record.Ref, Finalize=True)
                    )
            records = self._ended([record.Ref for record in records], all_builds=False)
        platforms = [one for worker in self._control.workers() for one in worker.platforms]
        write = partial(
            bundle.write_bundle,
            records=records,
            read=self._read_blob,
            platform=str(platforms[0].normalize()) if platforms else "",
        )
        if isinstance(output, str | PathLike):
            _write_file(Path(output), write)
        else:
            write(output)

    def _ended(
        self, refs: Sequence[str], *, all_builds: bool
    ) -> list[control_pb2.BuildHistoryRecord]:
        """Look up builds that have ended, the newest first. Raises InputError."""
        listed = control_pb2.BuildHistoryRequest(EarlyExit=True)
        records = {record.Ref: record for record in self._records(listed)}
        for ref in refs:
            if ref not in records:
                self.build(ref)
            elif not records[ref].HasField("CompletedAt"):
                raise InputError(f"the build {ref!r} has not ended")
        if refs:
            return [records[ref] for ref in dict.fromkeys(refs)]
        ended = [record for record in records.values() if record.HasField("CompletedAt")]
        ended.sort(key=lambda record: record.CreatedAt.ToNanoseconds(), reverse=True)
        if not ended:
            raise InputError("the daemon has no build that has ended")
        return ended if all_builds else ended[:1]

    def _read_blob(self, digest: str) -> bytes:
        return b"".join(self.read(Blob("", digest, 0)))

    def _responses(self, ref: str) -> Iterator[control_pb2.StatusResponse]:
        self.build(ref)
        yield from self._control.status(ref)

    def _listen(self, request: control_pb2.BuildHistoryRequest) -> Iterator[BuildRecord]:
        yield from map(_from_record, self._records(request))

    def _records(
        self, request: control_pb2.BuildHistoryRequest
    ) -> Iterator[control_pb2.BuildHistoryRecord]:
        path = CONTROL + "ListenBuildHistory"
        for event in self._stream(path, request, control_pb2.BuildHistoryEvent):
            if event.type != control_pb2.DELETED:
                yield event.record

    def _update(self, request: control_pb2.UpdateBuildHistoryRequest) -> None:
        method = CONTROL + "UpdateBuildHistory"
        self._control.ask(method, request, control_pb2.UpdateBuildHistoryResponse).single()

    def _stream(self, path: str, request: Message, response_type: type[M_]) -> Iterator[M_]:
        try:
            yield from self._control.ask(path, request, response_type)
        except RemoteError as error:
            if error.code == Code.UNIMPLEMENTED:
                error.hint = "build history needs BuildKit v0.11 or later"
            raise


def _write_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file as a whole or not at all. Raises InputError."""
    file = WholeFile(path)
    try:
        with file.open() as opened:
            write(opened)
        file.commit()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        file.abort()


def _from_record(record: control_pb2.BuildHistoryRecord) -> BuildRecord:
    parts = [record.Result, *(record.Results[key] for key in sorted(record.Results))]
    results = [part.Results[key] for part in parts for key in sorted(part.Results)]
    attestations = [attestation for part in parts for attestation in part.Attestations]
    return BuildRecord(
        ref=record.Ref,
        frontend=record.Frontend,
        frontend_attrs=dict(record.FrontendAttrs),
        exports=tuple((exporter.Type, dict(exporter.Attrs)) for exporter in record.Exporters),
        exporter_response=dict(record.ExporterResponse),
        error=record.error.message if record.HasField("error") else None,
        created=to_time(record.CreatedAt) if record.HasField("CreatedAt") else None,
        completed=to_time(record.CompletedAt) if record.HasField("CompletedAt") else None,
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
