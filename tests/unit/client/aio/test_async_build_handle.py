"""A build as an asynchronous handle, on a fake daemon."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio
import pytest

from llb import Scratch
from llb.client import AsyncClient, CancelledError, InvalidValueError
from llb.testing import FakeDaemon
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from llb.testing import FakeBuild

pytestmark = pytest.mark.anyio
STATE = Scratch().mkfile("/a", "x", name="write a")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def may_end() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
async def client(anyio_backend: str, may_end: threading.Event) -> AsyncIterator[AsyncClient]:
    def script(build: FakeBuild) -> None:
        build.show_steps()
        assert may_end.wait(SECONDS)

    with FakeDaemon(script=script) as daemon:
        async with AsyncClient(daemon.address) as client:
            yield client
            may_end.set()


async def test_an_iteration_yields_events_while_the_build_runs(
    client: AsyncClient, may_end: threading.Event
) -> None:
    async with client.start(STATE) as build:
        assert repr(build) == f"<AsyncBuildHandle {build.ref} running>"
        async for _ in build:
            assert not build.is_done
            may_end.set()
    assert repr(build) == f"<AsyncBuildHandle {build.ref} over>"
    assert (await build.result()).ref == build.ref


async def test_events_are_not_kept_after_result(
    client: AsyncClient, may_end: threading.Event
) -> None:
    build = await client.start(STATE)
    with pytest.raises(TimeoutError, match=f"the build {build.ref} is still running after 0 s"):
        await build.result(timeout=0)
    assert not build.is_done
    with pytest.raises(InvalidValueError, match="were not kept"):
        _ = [event async for event in build]
    may_end.set()
    assert (await build.result()).ref == build.ref


async def test_a_cancelled_build_ends_its_iteration_and_its_block(client: AsyncClient) -> None:
    with pytest.raises(CancelledError, match="the build was cancelled"):  # noqa: PT012
        async with client.start(STATE) as build:
            async for _ in build:
                build.cancel()
    assert build.is_done


async def test_a_cancelled_task_waits_for_the_end_of_its_build(client: AsyncClient) -> None:
    build = await client.start(STATE)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await build.result()
    assert build.is_done
    with pytest.raises(CancelledError):
        await build.result()


async def test_a_block_that_is_cancelled_waits_for_the_end_of_its_build(
    client: AsyncClient,
) -> None:
    with anyio.CancelScope() as scope:
        async with client.start(STATE) as build:
            scope.cancel()
            await anyio.sleep_forever()
    assert build.is_done


async def test_a_start_that_is_cancelled_starts_nothing(client: AsyncClient) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await client.start(STATE)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("build ")]
