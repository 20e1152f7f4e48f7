"""A step that failed is looked into where the daemon left it."""

from __future__ import annotations

from typing import Any

import pytest

from llb import Image, Scratch, State, bind, cache, secret, tmpfs
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import FailedStep, Gateway, Ref, bind_ref, failed_step
from tests.e2e.frontends import in_frontend


def failing(gateway: Gateway, state: State) -> FailedStep:
    """Return the step with which a state fails."""
    with pytest.raises(RemoteError) as caught:
        gateway.solve(state.marshal(), evaluate=True)
    step = failed_step(caught.value)
    assert step is not None
    return step


WRITING = "echo here | tee /data /rw/data >/dev/null; "


@pytest.mark.feature("K19")
@pytest.mark.parametrize(
    ("mount", "outputs", "found"),
    [
        (bind(Scratch(), "/rw"), 2, "/data /rw/data"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw"), 2, "/data /rw/data /rw/foo"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw", discard=True), 2, "/rw/data /rw/foo"),
        (bind(Scratch().mkfile("/foo", "here\n"), "/rw", readonly=True), 2, "/data /rw/foo"),
        (tmpfs("/rw"), 2, "/data"),
    ],
)
def test_a_process_that_failed_left_its_trees(
    buildkit_host: str, mount: Any, outputs: int, found: str
) -> None:
    state = Image("busybox").run(f"{WRITING} exit 9", mounts=[mount], ignore_cache=True)

    def use(gateway: Gateway) -> None:
        step = failing(gateway, state)
        assert step.command == ("/bin/sh", "-c", f"{WRITING} exit 9")
        assert len(step.outputs) == outputs
        with step.container(gateway, init=["cat"]) as container:
            text = container.run(["cat", *found.split()]).stdout
            assert text == b"here\n" * len(found.split())
            assert container.read_file("/data") == b"here\n"

    in_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_a_process_is_tried_again_as_it_was(buildkit_host: str) -> None:
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
        step = failing(gateway, state)
        with step.container(gateway, init=["cat"]) as container:
            container.run(["touch", "/fixed"], user="root")
            done = container.run(step.command)
            assert done.stdout == b"/srv\ndaemon\nbuilder\n"
            assert container.run(["pwd"], workdir="..").stdout == b"/\n"
            assert container.run(["pwd"], workdir="/tmp").stdout == b"/tmp\n"

    in_frontend(buildkit_host, use, secrets={"token": b"given"})


@pytest.mark.feature("K19")
def test_file_actions_left_what_they_had_done(buildkit_host: str) -> None:
    made = Scratch().mkdir("/found").mkfile("/found/foo", "here")
    state = made.mkfile("/not-found/foo", "here")

    def use(gateway: Gateway) -> None:
        step = failing(gateway, state)
        assert step.command == ()
        with pytest.raises(InvalidValueError, match="the step that failed ran no process"):
            step.container(gateway)
        tree = gateway.solve(Image("busybox").marshal())
        mounts = [bind_ref(step.inputs[0], "/in"), bind_ref(step.outputs[0], "/out")]
        with gateway.new_container(tree, mounts=mounts) as container:
            assert container.run("cat /in/found/foo /out/found/foo").stdout == b"herehere"

    in_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_a_part_that_is_missing_is_of_a_tree_that_is_there(buildkit_host: str) -> None:
    tree = Scratch().mkdir("/found").mkfile("/found/data", "here")
    mount = bind(tree, "/src", path="/not-found", readonly=True)

    def use(gateway: Gateway) -> None:
        step = failing(gateway, Image("busybox").run("true", mounts=[mount]))
        assert step.outputs == ()
        (given,) = step.inputs
        with gateway.new_container(Ref(""), mounts=[bind_ref(given, "/given")]) as container:
            assert container.read_file("/given/found/data") == b"here"
        with pytest.raises(InvalidValueError, match="the step that failed ran no process"):
            step.container(gateway)

    in_frontend(buildkit_host, use)


@pytest.mark.feature("K19")
def test_errors_of_no_step_have_none(buildkit_host: str) -> None:
    def use(gateway: Gateway) -> None:
        with pytest.raises(RemoteError) as caught:
            gateway.read_file(Ref("none"), "/x")
        assert failed_step(caught.value) is None

    in_frontend(buildkit_host, use)
