"""The asynchronous client has the names and arguments of the synchronous one."""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from llb import Image, Scratch
from llb.client import (
    AsyncBuildHandle,
    AsyncClient,
    AsyncHistory,
    BuildHandle,
    Client,
    ConnectError,
    InvalidValueError,
    MissingFileError,
    SolveError,
)
from llb.client.history import History
from llb.testing import Failed, FakeDaemon
from tests.ended_builds import record_ended_builds
from tests.fakes.forks import in_child
from tests.timing import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from llb.testing import FakeBuild

pytestmark = pytest.mark.anyio
STATE = Scratch().mkfile("/a", "x")
# A pipe of bytes, which blocks, and the way from one client to the other.
DIFFERENCES = {"dial", "from_client"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The refs of the builds that are over."""
    return record_ended_builds(monkeypatch)


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


async def test_an_image_is_built() -> None:
    with FakeDaemon() as daemon:
        async with AsyncClient(daemon.address) as client:
            image = await client.build_image({"Dockerfile": "FROM scratch"}, tags="app")
            with pytest.raises(InvalidValueError, match="invalid shm_size"):
                await client.build_image({"Dockerfile": ""}, shm_size="much")
        (build,) = daemon.builds
    assert (build.ref, build.frontend) == (image.ref, "dockerfile.v0")


async def test_a_build_file_is_evaluated_here() -> None:
    program = """\
from llb import Scratch
from llb.buildfile import target

@target
def main() -> Scratch:
    return Scratch().mkfile("/a", "x")
"""
    with FakeDaemon() as daemon:
        async with AsyncClient(daemon.address) as client:
            image = await client.build_image({"build.py": program}, file="build.py")
        (build,) = daemon.builds
    assert (build.ref, build.frontend) == (image.ref, "")


async def test_trees_are_looked_at() -> None:
    made = Image("alpine").workdir("/out").run("make")
    outputs: dict[str, Any] = {"run make": {"out/a": "x", "etc/b": b"y"}, "run fail": Failed(3)}
    with FakeDaemon(outputs=outputs) as daemon:
        async with AsyncClient(daemon.address) as client:
            assert await client.read_file(made, "a") == b"x"
            assert await client.read_text(made, "/etc/b") == "y"
            assert [entry.path for entry in await client.list_dir(made)] == ["etc", "out"]
            assert (await client.stat(made, "a")).size == 1
            with pytest.raises(MissingFileError):
                await client.read_file(made, "b")
            with pytest.raises(SolveError):
                await client.read_file(Image("alpine").run("fail"), "a")
            with pytest.raises(InvalidValueError, match="invalid tree"):
                await client.run("alpine", "true")  # type: ignore[arg-type]


async def test_a_task_that_is_cancelled_while_it_looks_waits_for_the_end_of_its_build(
    over: list[str],
) -> None:
    is_reached, may_go_on = threading.Event(), threading.Event()

    def wait(_: FakeBuild) -> None:
        is_reached.set()
        assert may_go_on.wait(SECONDS)

    with FakeDaemon(script=wait) as daemon:
        async with AsyncClient(daemon.address) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.read_file, STATE, "/a")
            await anyio.to_thread.run_sync(is_reached.wait, SECONDS)
            assert not over
            tasks.cancel_scope.cancel()
        assert len(over) == 1
        may_go_on.set()


def test_a_client_that_connects_during_a_fork_connects_in_the_child() -> None:
    client = AsyncClient()
    held, release = threading.Event(), threading.Event()

    def connect() -> Client:
        held.set()
        assert release.wait(SECONDS)
        raise ConnectError("later")

    client._shared._connect = connect

    def attempt() -> None:
        with pytest.raises(ConnectError, match="later"):
            client._shared.connect()

    thread = threading.Thread(target=attempt)
    thread.start()
    assert held.wait(SECONDS)

    def work() -> None:
        release.set()
        attempt()

    in_child(work)
    release.set()
    thread.join(SECONDS)
