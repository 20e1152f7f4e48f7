"""The asynchronous client has the names and arguments of the synchronous one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import anyio
import pytest

from llb import Scratch
from llb.client import (
    AsyncBuildHandle,
    AsyncClient,
    AsyncHistory,
    BuildHandle,
    Client,
    ConnectError,
    InvalidValueError,
)
from llb.client.history import History
from llb.testing import FakeDaemon

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
STATE = Scratch().mkfile("/a", "x")
# A pipe of bytes, which blocks, and the way from one client to the other.
DIFFERENCES = {"dial", "from_client"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("asynchronous", "synchronous"),
    [(AsyncClient, Client), (AsyncHistory, History), (AsyncBuildHandle, BuildHandle)],
)
def test_names_and_arguments_are_the_same(asynchronous: type, synchronous: type) -> None:
    names = public(asynchronous) & public(synchronous)
    assert public(asynchronous) ^ public(synchronous) <= DIFFERENCES | {"address"}
    for name in names:
        one, other = (inspect.getattr_static(kind, name) for kind in (asynchronous, synchronous))
        if isinstance(one, property):
            continue
        signatures = [
            inspect.signature(getattr(kind, name)).parameters
            for kind in (asynchronous, synchronous)
        ]
        assert str(signatures[0]) == str(signatures[1]), (name, one, other)


async def test_a_client_that_is_not_connected_has_no_address(tmp_path: Path) -> None:
    client = AsyncClient(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(InvalidValueError, match="no address before it is connected") as caught:
        _ = client.address
    assert caught.value.hint == "enter it with `async with`, or make a call"
    with pytest.raises(ConnectError, match="no BuildKit answers"):
        await client.info()
    await client.close()


async def test_a_connection_is_shared_with_a_synchronous_client() -> None:
    with FakeDaemon() as daemon, Client(daemon.address) as sync:
        client = AsyncClient.from_client(sync)
        assert client.address == sync.address
        result = await client.solve(STATE)
        assert [build.ref for build in daemon.builds] == [result.ref]
        assert sync.info() == await client.info()


async def test_tasks_that_come_first_share_one_connection() -> None:
    with FakeDaemon() as daemon:
        client = AsyncClient(daemon.address)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(client.info)
        await client.close()
        assert len(daemon._servers) == 1


async def test_errors_in_arguments_are_raised_when_a_build_starts() -> None:
    with FakeDaemon() as daemon:
        async with AsyncClient(daemon.address) as client:
            with pytest.raises(InvalidValueError, match="a build takes exactly one of"):
                await client.start()
            with pytest.raises(InvalidValueError, match="a build takes exactly one of"):
                async with client.start(STATE, frontend="dockerfile.v0"):
                    raise AssertionError("started")
        assert daemon.builds == ()
