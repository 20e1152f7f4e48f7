"""The client on an event loop: asyncio, asyncio with uvloop, and trio."""

from __future__ import annotations

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import uvloop

from llb import Image, Scratch
from llb.client import (
    AsyncBuildHandle,
    AsyncClient,
    Client,
    VertexLog,
    cache_only,
    local,
)
from llb.errors import CancelledError, ConnectError, InputError, InvalidValueError, SolveError
from llb.gateway import Result
from tests.e2e.test_build_handle import LARGE, endless
from tests.e2e.test_failures import ENDLESS, find_processes
from tests.e2e.waiting import PATIENCE, wait_until
from tests.ended_builds import record_ended_builds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from llb.gateway import Gateway, Request
    from tests.e2e.relays import Relay

pytestmark = pytest.mark.anyio
BUSYBOX = Image("busybox")
LOOPS = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


@pytest.fixture(params=LOOPS.values(), ids=list(LOOPS))
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def client(anyio_backend: Any, buildkit_host: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(buildkit_host) as client:
        yield client


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The refs of the builds that are over."""
    return record_ended_builds(monkeypatch)


async def await_step(build: AsyncBuildHandle) -> None:
    async for event in build:
        if isinstance(event, VertexLog):
            return
    raise AssertionError("the build ended before its step began")


async def await_status(client: AsyncClient, ref: str, status: str) -> None:
    """Wait until the daemon reports a status of a build."""
    with anyio.fail_after(PATIENCE):
        async for record in client.history().watch(ref=ref):
            if record.status == status:
                return


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.feature("K25")
async def test_a_state_is_built(client: AsyncClient, tmp_path: Path) -> None:
    result = await client.solve(Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "out")])
    assert (await client.history().build(result.ref)).exports[0][0] == "local"
    assert (tmp_path / "out" / "a").read_text() == "x"


@pytest.mark.feature("K25")
async def test_events_are_iterated_to_the_end(client: AsyncClient) -> None:
    async with client.start(BUSYBOX.run("echo one; echo two", ignore_cache=True)) as build:
        events = [event async for event in build]
        result = await build.result()
    assert b"".join(e.data for e in events if isinstance(e, VertexLog)) == b"one\ntwo\n"
    assert result.ref == build.ref
    assert build.is_done


@pytest.mark.feature("K25")
async def test_an_image_is_built_and_looked_at(client: AsyncClient, tmp_path: Path) -> None:
    context = {"Dockerfile": "FROM busybox\nCOPY a /b\n", "a": "x"}
    image = await client.build_image(context, outputs=f"type=oci,dest={tmp_path}/image.tar")
    assert image.digest
    tree = BUSYBOX.run("mkdir /made; echo x > /made/a").workdir("/made")
    assert await client.read_file(tree, "a") == b"x\n"
    assert await client.read_text(tree, "a", encoding="ascii") == "x\n"
    assert [entry.path for entry in await client.list_dir(tree, ".")] == ["a"]
    assert (await client.stat(tree, "a")).size == 2
    assert (await client.run(tree, "cat a -", input="y")).stdout == b"x\ny"


@pytest.mark.feature("K25")
async def test_cancelling_the_task_ends_its_process_in_a_tree(
    client: AsyncClient, over: list[str]
) -> None:
    mark = f"look {uuid.uuid4()}"
    async with anyio.create_task_group() as tasks:
        # The shell stays, because another command follows.
        tasks.start_soon(client.run, BUSYBOX, f"{ENDLESS}; : {mark}")
        await anyio.to_thread.run_sync(wait_until, lambda: bool(find_processes(mark)))
        assert not over
        tasks.cancel_scope.cancel()
    assert len(over) == 1
    await anyio.to_thread.run_sync(wait_until, lambda: not find_processes(mark))


async def test_a_build_is_started_with_await(client: AsyncClient) -> None:
    build = await client.start(BUSYBOX.run("exit 7"))
    with pytest.raises(SolveError, match="exit code: 7"):
        await build.result()


async def test_a_block_raises_the_error_of_the_build(client: AsyncClient) -> None:
    with pytest.raises(SolveError, match="exit code: 7"):
        async with client.start(BUSYBOX.run("exit 7")):
            pass


@pytest.mark.feature("K25")
async def test_cancelling_the_task_cancels_the_build_and_waits_for_its_end(
    client: AsyncClient, over: list[str], tmp_path: Path
) -> None:
    mark, ref = f"task {uuid.uuid4()}", uuid.uuid4().hex
    has_begun = threading.Event()

    async def build() -> None:
        with pytest.raises(anyio.get_cancelled_exc_class()) as caught:
            await client.solve(
                endless(mark),
                exports=[local(tmp_path / "out")],
                ref=ref,
                on_event=lambda event: has_begun.set() if isinstance(event, VertexLog) else None,
            )
        # The build is over, and nothing remains of it.
        assert over == [ref]
        assert names(tmp_path) == []
        raise caught.value

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(build)
        assert await anyio.to_thread.run_sync(has_begun.wait, PATIENCE)
        assert find_processes(mark)
        tasks.cancel_scope.cancel()
    await anyio.to_thread.run_sync(wait_until, lambda: not find_processes(mark))
    await await_status(client, ref, "canceled")
    assert (await client.info()).version


@pytest.mark.feature("K25")
async def test_cancelling_ends_one_build_and_no_other(client: AsyncClient) -> None:
    marks = [f"cancel {uuid.uuid4()}" for _ in range(2)]
    async with (
        client.start(endless(marks[0])) as cancelled,
        client.start(endless(marks[1])) as other,
    ):
        await await_step(cancelled)
        await await_step(other)
        cancelled.cancel()
        with pytest.raises(CancelledError, match="the build was cancelled"):
            await cancelled.result()
        await await_status(client, cancelled.ref, "canceled")
        assert not other.is_done
        assert find_processes(marks[1])
        other.cancel()
        with pytest.raises(CancelledError):
            await other.result()


async def test_an_exception_in_the_block_cancels_the_build(client: AsyncClient) -> None:
    mark = f"block {uuid.uuid4()}"
    with pytest.raises(LookupError, match="mine"):  # noqa: PT012
        async with client.start(endless(mark)) as build:
            await await_step(build)
            raise LookupError("mine")
    assert build.is_done
    await anyio.to_thread.run_sync(wait_until, lambda: not find_processes(mark))


async def test_a_timeout_of_the_wait_lets_the_build_go_on(client: AsyncClient) -> None:
    async with client.start(endless(f"timeout {uuid.uuid4()}")) as build:
        with pytest.raises(TimeoutError, match=f"{build.ref} is still running after 0.01 s"):
            await build.result(timeout=0.01)
        assert not build.is_done
        build.cancel()
        with pytest.raises(CancelledError):
            await build.result()


@pytest.mark.feature("K25")
async def test_a_timeout_of_the_task_cancels_the_build(client: AsyncClient) -> None:
    build = await client.start(endless(f"scope {uuid.uuid4()}"))
    await await_step(build)
    with anyio.move_on_after(0.01):
        await build.result()
    assert build.is_done


async def test_cancelling_an_iteration_lets_the_build_go_on(client: AsyncClient) -> None:
    async with client.start(endless(f"iteration {uuid.uuid4()}")) as build:
        await await_step(build)
        with anyio.move_on_after(0.01):
            async for _ in build:
                pass
        assert not build.is_done
        build.cancel()
        with pytest.raises(CancelledError):
            await build.result()


@pytest.mark.feature("K25")
async def test_a_hundred_builds_run_at_once(client: AsyncClient, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex

    async def build(number: int) -> None:
        state = Scratch().mkfile("/a", f"{mark} {number}")
        async with client.start(state, exports=[local(tmp_path / str(number))]) as build:
            assert [event async for event in build]
        assert (tmp_path / str(number) / "a").read_text() == f"{mark} {number}"

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(build, number)
    assert len(names(tmp_path)) == 100


async def test_a_function_is_built_on_a_thread(client: AsyncClient) -> None:
    threads = []

    def function(request: Request, gateway: Gateway) -> Result:
        threads.append(threading.current_thread())
        return Result(gateway.solve(Scratch().mkfile("/a", request.options["text"]).marshal()))

    result = await client.build(function, frontend_attrs={"text": "x"})
    assert result.ref
    assert threads[0] is not threading.current_thread()
    with pytest.raises(InvalidValueError, match="expected one without async"):
        await client.build(test_a_state_is_built)  # type: ignore[arg-type]


async def test_questions_about_the_daemon(client: AsyncClient, buildkit_host: str) -> None:
    with Client(buildkit_host) as sync:
        assert await client.info() == sync.info()
        assert await client.workers() == sync.workers()
        assert client.address == sync.address
    assert await client.ping() > 0
    assert await client.disk_usage() != ()
    assert [usage async for usage in client.prune(filters=["id==none"])] == []
    image = await client.resolve_image_config("busybox")
    assert image.digest.startswith("sha256:")


async def test_the_history_of_a_build(client: AsyncClient) -> None:
    build = await client.start(BUSYBOX.run("echo one", ignore_cache=True))
    await build.result()
    history = client.history()
    await await_status(client, build.ref, "completed")
    assert build.ref in [record.ref for record in await history.builds(limit=50)]
    logs = [e.data async for e in history.events(build.ref) if isinstance(e, VertexLog)]
    assert logs == [b"one\n"]
    assert [report async for report in history.reports(build.ref)]
    await history.pin(build.ref)
    assert (await history.build(build.ref)).pinned
    await history.pin(build.ref, pinned=False)
    await history.remove(build.ref)
    with pytest.raises(InputError, match="unknown build"):
        await history.build(build.ref)


@pytest.mark.feature("K25")
async def test_an_endless_iteration_ends_with_its_task(client: AsyncClient) -> None:
    seen: list[str] = []
    is_watching = anyio.Event()

    async def watch() -> None:
        async for record in client.history().watch():
            seen.append(record.ref)
            is_watching.set()

    await client.solve(Scratch().mkfile("/a", "x"), exports=[cache_only()])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        with anyio.fail_after(PATIENCE):
            await is_watching.wait()
        tasks.cancel_scope.cancel()
    assert seen
    assert (await client.info()).version


async def test_an_address_without_a_daemon_is_an_error(tmp_path: Path) -> None:
    client = AsyncClient(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(InvalidValueError, match="no address before it is connected"):
        _ = client.address
    with pytest.raises(ConnectError, match="no BuildKit answers"):
        await client.info()
    await client.close()


async def test_one_of_several_daemons(buildkit_host: str, tmp_path: Path) -> None:
    addresses = [buildkit_host, f"unix://{tmp_path}/nobody.sock"]
    client = await AsyncClient.any(addresses, key="a")
    assert client.address == buildkit_host
    assert (await client.info()).version
    await client.close()


async def test_the_task_is_cancelled_during_an_export(
    relay: Relay, tmp_path: Path, anyio_backend: Any
) -> None:
    folder, is_paused = tmp_path / "to", threading.Event()
    is_over = threading.Event()
    folder.mkdir()

    def pause() -> None:
        is_paused.set()
        assert is_over.wait(PATIENCE)

    async with AsyncClient(relay.address) as client:
        await client.solve(LARGE, exports=[cache_only()])
        relay.pause_after(8 * 2**20, pause)
        async with anyio.create_task_group() as tasks:

            async def build() -> None:
                try:
                    await client.solve(LARGE, exports=[local(folder / "out")])
                finally:
                    is_over.set()

            tasks.start_soon(build)
            assert await anyio.to_thread.run_sync(is_paused.wait, PATIENCE)
            tasks.cancel_scope.cancel()
        assert names(folder) == []


def run_with_asyncio(main: Coroutine[Any, Any, None], factory: Any) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_asyncio_alone_cancels_a_task_and_its_build(buildkit_host: str, factory: Any) -> None:
    mark = f"asyncio {uuid.uuid4()}"

    async def main() -> None:
        async with AsyncClient(buildkit_host) as client:
            build = await client.start(endless(mark))
            await await_step(build)
            assert find_processes(mark)
            task = asyncio.create_task(build.result())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert build.is_done
            # A task that is cancelled while its build starts, at some point of the start.
            for count in range(20):
                task = asyncio.create_task(client.solve(endless(mark)))
                for _ in range(count):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await client.solve(endless(mark))

    run_with_asyncio(main(), factory)
    wait_until(lambda: not find_processes(mark))
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("build ")])


def test_an_executor_that_is_full_does_not_stop_builds(buildkit_host: str) -> None:
    async def main() -> None:
        release = threading.Event()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        async with AsyncClient(buildkit_host) as client:
            await client.solve(Scratch().mkfile("/a", "x"))
        release.set()
        await busy

    asyncio.run(main())
