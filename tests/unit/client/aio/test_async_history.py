"""The asynchronous history of a daemon gives what the synchronous one gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import pytest

from llb._pb import control_pb2
from llb.client import AsyncClient, Blob, Client, InputError, Vertex, VertexLog
from llb.testing.fake_buildkit.progress import to_response
from tests.fakes.history import FakeHistory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from llb.client import Event

T_ = TypeVar("T_")

pytestmark = pytest.mark.anyio
STARTED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
STEP = f"sha256:{'a' * 64}"
EVENTS: list[Event] = [
    Vertex(STEP, "run make", (), False, STARTED, None, None),
    VertexLog(STEP, 1, b"made\n", STARTED),
]
TRACE = Blob("application/json", f"sha256:{'b' * 64}", 10)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    records = [control_pb2.BuildHistoryRecord(Ref=ref) for ref in ("first", "second")]
    for number, record in enumerate(records):
        record.CreatedAt.FromDatetime(STARTED + timedelta(hours=number))
    with FakeHistory(
        tmp_path, records, responses=[to_response(EVENTS)], blobs={TRACE.digest: b"ten bytes."}
    ) as daemon:
        yield daemon


@pytest.fixture
async def client(daemon: FakeHistory) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.address) as client:
        yield client


async def collect(items: AsyncIterator[T_]) -> list[T_]:
    return [item async for item in items]


async def test_builds_are_listed_and_found(client: AsyncClient, daemon: FakeHistory) -> None:
    history = client.history()
    builds = await history.builds(filters=["status==error"], limit=2, active_only=True)
    assert [build.ref for build in builds] == ["second", "first"]
    (request,) = daemon.requests
    assert (list(request.Filter), request.Limit, request.ActiveOnly) == (["status==error"], 2, True)
    assert await history.build("first") == builds[1]
    with pytest.raises(InputError, match="third"):
        await history.build("third")


async def test_builds_are_watched(client: AsyncClient, daemon: FakeHistory) -> None:
    records = await collect(client.history().watch(ref="second", active_only=True))
    assert [record.ref for record in records] == ["second"]
    (request,) = daemon.requests
    assert (request.Ref, request.ActiveOnly, request.EarlyExit) == ("second", True, False)


async def test_the_events_of_a_build_are_those_of_the_synchronous_history(
    client: AsyncClient, daemon: FakeHistory
) -> None:
    with Client(daemon.address) as synchronous:
        events = list(synchronous.history().events("first"))
        reports = list(synchronous.history().reports("first"))
    assert [type(event) for event in events] == [Vertex, VertexLog]
    assert await collect(client.history().events("first")) == events
    assert await collect(client.history().reports("first")) == reports


async def test_builds_are_pinned_and_removed(client: AsyncClient, daemon: FakeHistory) -> None:
    history = client.history()
    await history.pin("first")
    await history.pin("first", pinned=False)
    await history.remove("second")
    updates = [(update.Ref, update.Pinned, update.Delete) for update in daemon.updates]
    assert updates == [("first", True, False), ("first", False, False), ("second", False, True)]


async def test_a_blob_is_read_in_chunks(client: AsyncClient) -> None:
    chunks = await collect(client.history().read(TRACE))
    assert b"".join(chunks) == b"ten bytes."
    assert len(chunks) > 1
