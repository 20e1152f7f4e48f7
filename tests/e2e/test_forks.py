"""A client that was made before a fork works in the parent and in the child, within timeouts."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay

PROLOGUE = """\
import multiprocessing, os, sys, threading, traceback
from pathlib import Path
from llb import Image, Scratch
from llb.client import Client, TLS, VertexLog, local

address, folder = sys.argv[1], Path(sys.argv[2])

def solve(client, name):
    state = Scratch().mkfile("/name", name)
    client.solve(state, exports=[local(folder / name)], timeout=60)
    assert (folder / name / "name").read_text() == name

def in_child(function):
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid

def check_child(pid):
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"the child ended with {status}"
"""


@pytest.fixture
def run(buildkit_host: str, tmp_path: Path) -> Callable[..., None]:
    """Run a program that forks, in a Python of its own; it may not hang or print anything."""

    def call(code: str, *arguments: str, address: str = buildkit_host) -> None:
        program = tmp_path / "program.py"
        program.write_text(PROLOGUE + textwrap.dedent(code))
        process = subprocess.run(
            # Newer Pythons warn of every fork of a process with threads.
            [sys.executable, "-W", "ignore", program, address, tmp_path, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert (process.returncode, process.stdout, process.stderr) == (0, "", "")

    return call


@pytest.mark.feature("J14")
@pytest.mark.parametrize("used", ["", "solve(client, 'before')"])
def test_a_client_made_before_a_fork_works_in_parent_and_child(
    run: Callable[..., None], used: str
) -> None:
    run(
        f"""
        with Client(address) as client:
            {used}
            pid = in_child(lambda: (client.ping(timeout=30), solve(client, "child")))
            solve(client, "parent")
            check_child(pid)
            solve(client, "after")
        """
    )


@pytest.mark.feature("J14")
def test_many_children_of_multiprocessing_build_at_the_same_time(run: Callable[..., None]) -> None:
    run(
        """
        client = Client(address)
        solve(client, "before")
        context = multiprocessing.get_context("fork")
        processes = [
            context.Process(target=solve, args=(client, f"child{number}")) for number in range(4)
        ]
        for process in processes:
            process.start()
        solve(client, "parent")
        for process in processes:
            process.join()
            assert process.exitcode == 0
        """
    )


@pytest.mark.feature("J14")
def test_a_fork_in_the_middle_of_a_build_disturbs_neither_side(run: Callable[..., None]) -> None:
    run(
        """
        begun, forked = threading.Event(), threading.Event()

        def listen(event):
            if isinstance(event, VertexLog):
                begun.set()
                forked.wait()

        def build():
            state = Image("busybox").run("echo begun; cp /etc/passwd /out", ignore_cache=True)
            client.solve(state, exports=[local(folder / "long")], on_event=listen)

        client = Client(address)
        thread = threading.Thread(target=build)
        thread.start()
        begun.wait()
        pid = in_child(lambda: solve(client, "child"))
        check_child(pid)
        forked.set()
        thread.join()
        assert (folder / "long" / "out").exists()
        """
    )


@pytest.mark.feature("J14")
def test_what_was_open_at_the_fork_says_so_in_the_child(run: Callable[..., None]) -> None:
    run(
        """
        from llb.client.connect.control import CONTROL
        from llb.errors import TransportError
        from llb._pb import control_pb2 as pb

        MESSAGE = "the connection was opened before a fork, and belongs to the parent process"

        def fails(function):
            try:
                function()
            except TransportError as error:
                assert error.message == MESSAGE, error
                assert "in the child" in error.hint
            else:
                raise AssertionError("no error")

        client = Client(address)
        request = pb.BuildHistoryRequest()
        call = client._control.ask(
            CONTROL + "ListenBuildHistory", request, pb.BuildHistoryEvent, timeout=60
        )
        pipe = client.dial()

        def work():
            fails(lambda: list(call))
            fails(pipe.read)
            fails(lambda: pipe.write(b"PRI"))
            call.cancel()
            pipe.close()
            client.ping()
            client.close()

        check_child(in_child(work))
        pipe.write(b"PRI * HTTP/2.0")
        next(iter(call), None)
        client.ping()
        """
    )


@pytest.mark.feature("J14")
def test_the_parent_can_close_its_client_while_a_child_lives(run: Callable[..., None]) -> None:
    run(
        """
        client = Client(address)
        solve(client, "before")
        reading, writing = os.pipe()
        pid = in_child(lambda: os.read(reading, 1))
        client.close()
        os.write(writing, b"x")
        check_child(pid)
        """
    )


@pytest.mark.feature("J14")
def test_a_child_keeps_no_copy_of_the_connections(run: Callable[..., None]) -> None:
    run(
        """
        def sockets():
            links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
            return [link for link in links if os.path.islink(link) and "socket:" in os.readlink(link)]

        def work():
            assert sockets() == []
            client.ping()
            assert len(sockets()) == 1

        client = Client(address)
        solve(client, "before")
        pipe = client.dial()
        check_child(in_child(work))
        assert len(sockets()) == 2
        """
    )


@pytest.mark.feature("J14")
def test_a_timeout_holds_in_the_child(run: Callable[..., None]) -> None:
    run(
        """
        from llb.errors import CancelledError

        def work():
            try:
                state = Image("busybox").run("while :; do sleep 1; done", ignore_cache=True)
                client.solve(state, timeout=2)
            except CancelledError as error:
                assert error.message == "the deadline passed before the daemon answered"
            else:
                raise AssertionError("no error")

        client = Client(address)
        solve(client, "before")
        check_child(in_child(work))
        solve(client, "after")
        """
    )


@pytest.mark.feature("J14")
def test_a_daemon_that_is_gone_is_an_error_in_the_child(
    run: Callable[..., None], relay: Relay
) -> None:
    run(
        """
        from llb.errors import ConnectError

        def work():
            try:
                client.solve(Scratch().mkfile("/a", "x"), timeout=30)
            except ConnectError as error:
                assert error.message.startswith(f"no BuildKit answers at {address}: "), error
            else:
                raise AssertionError("no error")

        client = Client(address)
        solve(client, "before")
        path = Path(address.removeprefix("unix://"))
        path.rename(folder / "moved.sock")
        check_child(in_child(work))
        (folder / "moved.sock").rename(path)
        solve(client, "after")
        """,
        address=relay.address,
    )


@pytest.mark.feature("J14")
def test_a_client_through_a_program_works_in_both(
    run: Callable[..., None], buildctl: Buildctl, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    stub = programs / "podman"
    stub.write_text(f"#!/bin/sh\nexec {buildctl.program} --addr {buildctl.address} dial-stdio\n")
    stub.chmod(0o755)
    run(
        f"""
        os.environ["PATH"] = "{programs}:" + os.environ["PATH"]
        with Client("podman-container://x") as client:
            solve(client, "before")
            pid = in_child(lambda: (solve(client, "child"), client.close()))
            solve(client, "parent")
            check_child(pid)
            solve(client, "after")
        """
    )
