"""Builds as handles: follow, wait for and cancel one build, and no other build of the client."""

from __future__ import annotations

import threading
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from llb import Image, Scratch
from llb.client import BuildHandle, Client, Vertex, VertexLog, cache_only, docker, local, oci, tar
from llb.errors import CancelledError, InputError, SolveError
from llb.gateway import Result
from tests.e2e.test_failures import ENDLESS, find_processes
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb import State
    from llb.client import Export
    from llb.gateway import Gateway, Request
    from tests.e2e.relays import Relay

BUSYBOX = Image("busybox")
LARGE = BUSYBOX.run("dd if=/dev/urandom of=/large bs=1M count=64")


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


def endless(mark: str) -> State:
    """A step that runs until it is killed, by a shell whose command line contains ``mark``."""
    # The shell stays, because another command follows.
    return BUSYBOX.run(f"echo begun; {ENDLESS}; : {mark}", ignore_cache=True)


def await_step(build: BuildHandle) -> None:
    """Read the events until the step of an endless build has written its first line."""
    for event in build:
        if isinstance(event, VertexLog):
            return
    build.result()
    raise AssertionError("the build ended before its step began")


def await_status(client: Client, ref: str, status: str) -> None:
    """Wait until the daemon reports a status of a build; it publishes a record after the build."""
    wait_until(lambda: any(b.ref == ref and b.status == status for b in client.history().builds()))


@pytest.mark.feature("K24")
def test_events_come_from_the_first_one_to_the_last_one(client: Client) -> None:
    state = BUSYBOX.run("echo one; echo two", ignore_cache=True, name="the step")
    with client.start(state) as build:
        events = list(build)
        result = build.result()
    vertices = [e for e in events if isinstance(e, Vertex) and e.name == "the step"]
    assert vertices[0].started is None or vertices[0].completed is None
    assert vertices[-1].completed is not None
    assert b"".join(e.data for e in events if isinstance(e, VertexLog)) == b"one\ntwo\n"
    assert result.ref == build.ref
    assert build.is_done
    assert list(build) == []


@pytest.mark.feature("K24")
def test_cancelling_ends_the_step_on_the_daemon_and_nothing_else(
    client: Client, tmp_path: Path
) -> None:
    marks = [f"cancel {uuid.uuid4()}" for _ in range(2)]
    cancelled = client.start(endless(marks[0]), exports=[local(tmp_path / "out")])
    other = client.start(endless(marks[1]))
    await_step(cancelled)
    await_step(other)
    assert all(map(find_processes, marks))
    threading.Thread(target=cancelled.cancel).start()
    with pytest.raises(CancelledError, match="the build was cancelled"):
        cancelled.result()
    cancelled.cancel()
    wait_until(lambda: not find_processes(marks[0]))
    await_status(client, cancelled.ref, "canceled")
    assert list(tmp_path.iterdir()) == []
    assert find_processes(marks[1])
    assert not other.is_done
    assert client.history().build(other.ref).status == "running"
    other.cancel()
    with pytest.raises(CancelledError):
        other.result()
    wait_until(lambda: not find_processes(marks[1]))
    assert client.info().version


@pytest.mark.feature("K24")
def test_an_image_build_is_followed_and_cancelled(client: Client, tmp_path: Path) -> None:
    mark = f"image {uuid.uuid4()}"
    dockerfile = f"FROM busybox\nRUN echo begun; {ENDLESS}; : {mark}"
    build = client.start_image({"Dockerfile": dockerfile}, outputs=tmp_path / "out")
    await_step(build)
    assert find_processes(mark)
    build.cancel()
    with pytest.raises(CancelledError, match="the build was cancelled"):
        build.result()
    wait_until(lambda: not find_processes(mark))
    assert list(tmp_path.iterdir()) == []


def test_the_result_of_an_image_build_is_that_of_the_image(client: Client) -> None:
    # Provenance has the time of the build.
    options: dict[str, Any] = {"tags": "app", "provenance": False}
    with client.start_image({"Dockerfile": "FROM busybox"}, **options) as build:
        assert any(isinstance(event, Vertex) for event in build)
        result = build.result()
    assert result == attrs.evolve(
        client.build_image({"Dockerfile": "FROM busybox"}, **options), ref=build.ref
    )
    assert result.names == ("docker.io/library/app:latest",)
    assert result.id is not None


@pytest.mark.feature("K24")
def test_an_exception_in_the_block_cancels_the_build(client: Client) -> None:
    mark = f"block {uuid.uuid4()}"
    with pytest.raises(LookupError, match="mine"), client.start(endless(mark)) as build:  # noqa: PT012
        await_step(build)
        raise LookupError("mine")
    assert build.is_done
    with pytest.raises(CancelledError):
        build.result()
    wait_until(lambda: not find_processes(mark))


def test_a_block_waits_for_the_result_and_raises_the_error_of_the_build(client: Client) -> None:
    with client.start(BUSYBOX.run("true")) as build:
        pass
    assert build.is_done
    assert build.result().ref == build.ref
    with pytest.raises(SolveError, match="exit code: 7"), client.start(BUSYBOX.run("exit 7")):
        pass


def test_a_block_does_not_raise_an_error_twice(client: Client) -> None:
    with client.start(BUSYBOX.run("exit 7")) as build, pytest.raises(SolveError):
        build.result()


def test_a_timeout_of_the_wait_lets_the_build_go_on(client: Client) -> None:
    with client.start(endless(f"timeout {uuid.uuid4()}")) as build:
        await_step(build)
        with pytest.raises(TimeoutError, match=f"{build.ref} is still running after 0.01 s"):
            build.result(timeout=0.01)
        assert not build.is_done
        build.cancel()
        with pytest.raises(CancelledError):
            build.result()


@pytest.mark.parametrize("kind", ["local", "tar", "oci", "layout", "exists"])
@pytest.mark.feature("K24")
def test_cancelling_during_an_export_leaves_nothing(
    relay: Relay, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    exports: dict[str, Export] = {
        "local": local(folder / "out"),
        "exists": local(folder),
        "tar": tar(folder / "out.tar"),
        "oci": oci(folder / "out.tar"),
        "layout": oci(folder / "layout", tar=False),
    }
    builds: list[BuildHandle] = []
    is_started = threading.Event()

    def cancel() -> None:
        assert is_started.wait(PATIENCE)
        builds[0].cancel()
        with pytest.raises(CancelledError):
            builds[0].result()

    with Client(relay.address) as client:
        client.solve(LARGE, exports=[cache_only()])
        # The relay has passed a part of the tree, and holds the rest back until the build is over.
        relay.pause_after(8 * 2**20, cancel)
        builds.append(client.start(LARGE, exports=[exports[kind]]))
        is_started.set()
        with pytest.raises(CancelledError):
            builds[0].result()
        assert list(folder.iterdir()) == []


def test_cancelling_after_the_end_does_nothing(client: Client, tmp_path: Path) -> None:
    build = client.start(Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "out")])
    build.result()
    build.cancel()
    assert build.result().ref == build.ref
    assert (tmp_path / "out" / "a").read_text() == "x"


@pytest.mark.feature("K24")
def test_cancelling_before_a_step_runs(client: Client) -> None:
    # Each build is cancelled a little later than the one before, some before Solve is sent.
    for _ in range(20):
        build = client.start(endless(f"early {uuid.uuid4()}"))
        build.cancel()
        with pytest.raises(CancelledError, match="the build was cancelled"):
            build.result()
    assert client.info().version


@pytest.mark.feature("K24")
def test_cancelling_ends_the_gateway_calls_of_a_function(client: Client) -> None:
    mark, errors = f"function {uuid.uuid4()}", list[BaseException]()

    def function(_: Request, gateway: Gateway) -> Result:
        try:
            gateway.solve(endless(mark).marshal(), evaluate=True)
        except BaseException as error:
            errors.append(error)
            raise
        raise AssertionError("the step ended")

    build = client.start(function=function)
    await_step(build)
    build.cancel()
    with pytest.raises(CancelledError, match="the build was cancelled"):
        build.result()
    wait_until(lambda: bool(errors))
    assert type(errors[0]) is CancelledError
    wait_until(lambda: not find_processes(mark))


def test_a_function_is_built_as_by_build(client: Client, tmp_path: Path) -> None:
    def function(request: Request, gateway: Gateway) -> Result:
        state = Scratch().mkfile("/a", request.options["text"])
        return Result(gateway.solve(state.marshal()))

    build = client.start(
        function=function, frontend_attrs={"text": "x"}, exports=[local(tmp_path / "out")]
    )
    build.result()
    assert (tmp_path / "out" / "a").read_text() == "x"


def test_wrong_arguments_are_refused_by_start_itself(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        client.start(
            frontend="dockerfile.v0", oci_layouts={"a": tmp_path / "none"}, exports=[docker()]
        )
    assert not [t for t in threading.enumerate() if t.name.startswith("build ")]


def test_listeners_and_functions_see_the_context_variables_of_the_caller(client: Client) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    seen = []

    def function(_: Request, gateway: Gateway) -> Result:
        seen.append(variable.get())
        return Result(gateway.solve(BUSYBOX.run("echo x", ignore_cache=True).marshal()))

    variable.set("mine")
    client.start(function=function, on_event=lambda _: seen.append(variable.get())).result()
    assert len(seen) > 1
    assert set(seen) == {"mine"}


def test_an_interrupt_while_iterating_cancels_the_build(client: Client) -> None:
    mark = f"iteration {uuid.uuid4()}"
    with pytest.raises(KeyboardInterrupt), client.start(endless(mark)) as build:  # noqa: PT012
        await_step(build)
        raise KeyboardInterrupt
    wait_until(lambda: not find_processes(mark))
