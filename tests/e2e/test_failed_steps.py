"""Inspect a failed step in the state in which the daemon left it."""

from __future__ import annotations

from typing import Any

import pytest

from llb import Image, Scratch, State, bind, cache, secret, tmpfs
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import FailedStep, Gateway, Ref, bind_ref, failed_step
from tests.e2e.frontends import run_as_frontend


def solve_failing(gateway: Gateway, state: State) -> FailedStep:
    """Solve a state that must fail; return the failed step."""
    with pytest.raises(RemoteError) as caught:
        gateway.solve(state.marshal(), evaluate=True)
    step = failed_step(caught.value)
    assert step is not None
    return step


WRITING = "echo here | tee /data /rw/data >/dev/null; "


@pytest.mark.feature("K19")
@pytest.mark.parametrize(
    ("mount", "outputs", "paths"),
    [
        (bind(Scratch(), "/rw"), 2, "/data /rw/data"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw"), 2, "/data /rw/data /rw/foo"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw", discard=True), 2, "/rw/data /rw/foo"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw", readonly=True), 2, "/data /rw/foo"),
        (tmpfs("/rw"), 2, "/data"),
    ],
)
def test_the_trees_of_a_failed_process_can_be_read(
    buildkit_host: str, mount: Any, outputs: int, paths: str
) -> None:
    state = Image("busybox").run(f"{WRITING} exit 9", mounts=[mount], ignore_cache=True)

    def use(gateway: Gateway) -> None:
        step = solve_failing(gateway, state)
        assert step.command == ("/bin/sh", "-c", f"{WRITING} exit 9")
        assert len(step.outputs) == outputs
        with step.container(gateway, init=["cat"]) as container:
            output = container.run(["cat", *paths.split()]).stdout
            assert output == b"here\n" * len(paths.split())
            assert container.read_file("/data") == b"here\n"

    run_as_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_a_failed_process_is_run_again_with_its_settings(buildkit_host: str) -> None:
    command = 'test "$TOKEN,$GREETING" = given,hello; pwd; id -un; hostname; ls /c; test -e /fixed'
    state = (
        Image("busybox")
        .mkdir("/srv")
        .env("GREETING", "hello")
        .workdir("/srv")
        .user("daemon")
        .hostname("builder")
        .run(f"set -e; {command}", mounts=[secret("token", env="TOKEN"), cache("/c", id="k19")])
    )

    def use(gateway: Gateway) -> None:
        step = solve_failing(gateway, state)
        with step.container(gateway, init=["cat"]) as container:
            container.run(["touch", "/fixed"], user="root")
            completed = container.run(step.command)
            assert completed.stdout == b"/srv\ndaemon\nbuilder\n"
            assert container.run(["pwd"], workdir="..").stdout == b"/\n"
            assert container.run(["pwd"], workdir="/tmp").stdout == b"/tmp\n"

    run_as_frontend(buildkit_host, use, secrets={"token": b"given"})


@pytest.mark.feature("K19")
def test_the_results_of_completed_file_actions_can_be_read(buildkit_host: str) -> None:
    base = Scratch().mkdir("/found").mkfile("/found/foo", "here")
    state = base.mkfile("/not-found/foo", "here")

    def use(gateway: Gateway) -> None:
        step = solve_failing(gateway, state)
        assert step.command == ()
        with pytest.raises(InvalidValueError, match="the step that failed ran no process"):
            step.container(gateway)
        tree = gateway.solve(Image("busybox").marshal())
        mounts = [bind_ref(step.inputs[0], "/in"), bind_ref(step.outputs[0], "/out")]
        with gateway.new_container(tree, mounts=mounts) as container:
            assert container.run("cat /in/found/foo /out/found/foo").stdout == b"herehere"

    run_as_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_the_input_with_a_missing_path_can_be_read(buildkit_host: str) -> None:
    tree = Scratch().mkdir("/found").mkfile("/found/data", "here")
    mount = bind(tree, "/src", path="/not-found", readonly=True)

    def use(gateway: Gateway) -> None:
        step = solve_failing(gateway, Image("busybox").run("true", mounts=[mount]))
        assert step.outputs == ()
        (source,) = step.inputs
        with gateway.new_container(Ref(""), mounts=[bind_ref(source, "/given")]) as container:
            assert container.read_file("/given/found/data") == b"here"
        with pytest.raises(InvalidValueError, match="the step that failed ran no process"):
            step.container(gateway)

    run_as_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_an_error_outside_a_step_has_no_failed_step(buildkit_host: str) -> None:
    def use(gateway: Gateway) -> None:
        with pytest.raises(RemoteError) as caught:
            gateway.read_file(Ref("none"), "/x")
        assert failed_step(caught.value) is None

    run_as_frontend(buildkit_host, use)
