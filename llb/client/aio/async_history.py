"""Build history of a daemon, for asyncio and trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llb.arguments.checked import checked
from llb.client.aio.threads import AsyncItems, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from llb.client.aio.threads import Connect
    from llb.client.history import BuildRecord, History
    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report
    from llb.client.records.attachments import Attachment
    from llb.client.results import Blob

T_ = TypeVar("T_")


class AsyncHistory:
    """The build history of a daemon; the counterpart of :class:`History`, with the same methods.

    If the task is cancelled, or an iteration ends early, the call to the daemon ends.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @checked
    async def builds(
        self, *, filters: Iterable[str] = (), limit: int = 0, active_only: bool = False
    ) -> tuple[BuildRecord, ...]:
        """List builds, the newest first (:meth:`History.builds`)."""
        return await self._call(
            lambda history: history.builds(filters=filters, limit=limit, active_only=active_only)
        )

    @checked
    def watch(self, *, ref: str = "", active_only: bool = False) -> AsyncIterator[BuildRecord]:
        """Yield each build as it starts, changes and ends (:meth:`History.watch`)."""
        return self._iterate(lambda history: history.watch(ref=ref, active_only=active_only))

    @checked
    async def build(self, ref: str) -> BuildRecord:
        """Look up one build (:meth:`History.build`)."""
        return await self._call(lambda history: history.build(ref))

    @checked
    def events(self, ref: str) -> AsyncIterator[Event]:
        """Yield the events of a build; while it runs, as they happen."""
        return self._iterate(lambda history: history.events(ref))

    @checked
    def reports(self, ref: str) -> AsyncIterator[Report]:
        """Yield the same as JSON, message by message (:meth:`History.reports`)."""
        return self._iterate(lambda history: history.reports(ref))

    @checked
    async def pin(self, ref: str, *, pinned: bool = True) -> None:
        """Pin a build so that it is kept, or unpin it."""
        await self._call(lambda history: history.pin(ref, pinned=pinned))

    @checked
    async def remove(self, ref: str) -> None:
        """Remove a build from the history, with the data only it refers to."""
        await self._call(lambda history: history.remove(ref))

    @checked
    def read(self, blob: Blob) -> AsyncIterator[bytes]:
        """Read a blob, such as a build's trace or an attestation, in chunks."""
        return self._iterate(lambda history: history.read(blob))

    @checked
    async def provenance(self, ref: str) -> dict[str, dict[str, Any]]:
        """Read the SLSA provenance of a build, by platform (:meth:`History.provenance`)."""
        return await self._call(lambda history: history.provenance(ref))

    @checked
    async def attachments(self, ref: str) -> tuple[Attachment, ...]:
        """List what the daemon keeps of a build (:meth:`History.attachments`)."""
        return await self._call(lambda history: history.attachments(ref))

    @checked
    async def export(
        self,
        output: str | Path | BinaryIO,
        *,
        refs: Iterable[str] = (),
        all_builds: bool = False,
        finalize: bool = False,
    ) -> None:
        """Write builds that have ended to a file (:meth:`History.export`)."""
        await self._call(
            lambda history: history.export(
                output, refs=refs, all_builds=all_builds, finalize=finalize
            )
        )

    async def _call(self, method: Callable[[History], T_]) -> T_:
        return await call(self._connect, lambda client: method(client.history()))

    def _iterate(self, method: Callable[[History], Iterator[T_]]) -> AsyncIterator[T_]:
        return AsyncItems(self._connect, lambda client: method(client.history()))
