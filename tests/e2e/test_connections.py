"""Connections through programs, to one of several daemons, and to one that is not up yet."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, bind
from llb.client import Client, Event, VertexLog, local, wait_for_ready
from llb.client.connect.fleet import ranked
from llb.errors import ConnectError, TransportError
from tests.e2e.servers import free_port, running_sshd, write_program
from tests.e2e.test_failures import ENDLESS, begin_long_build, check_error, cli, processes
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Buildctl
    from tests.e2e.servers import Sshd

CONTENT = bytes(range(256)) * 20_000

WAYS = [
    ("docker-container://Some_builder", "docker exec -i Some_builder buildctl dial-stdio"),
    (
        "docker-container://builder?context=far",
        "docker --context=far exec -i builder buildctl dial-stdio",
    ),
    ("podman-container://builder", "podman exec -i builder buildctl dial-stdio"),
    ("nerdctl-container://builder", "nerdctl exec -i builder buildctl dial-stdio"),
    (
        "nerdctl-container://builder?namespace=k8s.io",
        "nerdctl exec --namespace k8s.io -i builder buildctl dial-stdio",
    ),
    (
        "kube-pod://builder-0",
        "kubectl --context= --namespace= exec --container= -i builder-0 -- buildctl dial-stdio",
    ),
    (
        "kube-pod://builder-0?context=me@a&namespace=n&container=c",
        "kubectl --context=me@a --namespace=n exec --container=c -i builder-0 -- buildctl dial-stdio",
    ),
    ("ssh://there", "ssh -- there buildctl dial-stdio"),
    (
        "ssh://me@there:2222/run/other.sock",
        "ssh -l me -p 2222 -- there buildctl --addr unix:///run/other.sock dial-stdio",
    ),
]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is searched for programs first; what is run has its name on it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STARTED_BY", str(tmp_path))
    return folder


@pytest.fixture
def stand_in(programs: Path, buildctl: Buildctl) -> Callable[[str], None]:
    """Make a program that dials the stack's daemon if it is run by one command line exactly."""

    def make(command: str) -> None:
        name, _, arguments = command.partition(" ")
        write_program(
            programs / name,
            f'echo >> "$0.runs"; [ "$*" = {shlex.quote(arguments)} ] || '
            '{ echo "unexpected arguments: $*" >&2; exit 64; }\n'
            f"exec {buildctl.program} --addr {buildctl.address} dial-stdio",
        )

    return make


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory, buildctl: Buildctl) -> Iterator[Sshd]:
    """A real sshd on the loopback, whose sessions find buildctl."""
    folder = tmp_path_factory.mktemp("ssh") / "sshd"
    with running_sshd(folder, buildctl.program.parent) as running:
        yield running


def build_through(address: str, folder: Path) -> None:
    """Build with an upload, a step and an export; fails unless what comes is what went."""
    (folder / "context").mkdir()
    (folder / "context" / "file").write_bytes(CONTENT)
    step = Image("busybox").run("cp /in/file /copy", mounts=[bind(Local("context"), "/in")])
    with Client(address) as client:
        assert client.info().version == "v0.32.2"
        client.solve(
            step, local_dirs={"context": folder / "context"}, exports=[local(folder / "o")]
        )
    assert (folder / "o" / "copy").read_bytes() == CONTENT


def started(folder: Path) -> list[int]:
    """Return the programs that run and were started with the mark of a test's folder."""
    mark = f"STARTED_BY={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = mark in (process / "environ").read_bytes().split(b"\0")
            if is_ours and b"dial-stdio" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def answers(client: Client) -> bool:
    """Return whether a daemon answers."""
    with suppress(ConnectError):
        return client.ping() > 0
    return False


@pytest.mark.feature("J3")
@pytest.mark.parametrize(("address", "command"), WAYS)
def test_a_build_goes_through_a_program(
    address: str, command: str, stand_in: Callable[[str], None], programs: Path, tmp_path: Path
) -> None:
    stand_in(command)
    build_through(address, tmp_path)
    (runs,) = programs.glob("*.runs")
    # The control API and the session have one each.
    assert runs.read_text() == "\n\n"
    wait_until(lambda: not started(tmp_path))


@pytest.mark.feature("J4")
def test_a_build_goes_through_ssh(
    sshd: Sshd, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
    build_through(sshd.address + buildctl.address.removeprefix("unix://"), tmp_path)


def test_a_socket_that_ssh_does_not_find_is_told(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
    address = f"{sshd.address}/no/where%3B%20true"
    with pytest.raises(ConnectError) as caught:
        Client(address)
    assert caught.value.message.startswith(
        f"no BuildKit answers at {address}: ssh ended with exit status 1: "
    )
    assert "dial unix /no/where; true: connect: no such file or directory" in caught.value.message


@pytest.mark.feature("J4")
def test_a_host_that_ssh_does_not_reach_is_told(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
    port = free_port()
    done = cli("info", address=f"ssh://127.0.0.1:{port}")
    check_error(
        done,
        f"error: no BuildKit answers at ssh://127.0.0.1:{port}: ssh ended with exit status 255: "
        f"ssh: connect to host 127.0.0.1 port {port}: Connection refused\n",
    )


def test_a_program_that_is_not_installed_is_named(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ConnectError) as caught:
        Client("kube-pod://builder")
    assert caught.value.message == (
        "no BuildKit answers at kube-pod://builder: kubectl is not on PATH"
    )
    (programs / "kubectl").write_text("not to be run")
    with pytest.raises(ConnectError, match="kubectl cannot be started: Permission denied"):
        Client("kube-pod://builder")


def test_what_a_program_says_when_it_fails_is_the_error(programs: Path) -> None:
    write_program(programs / "docker", 'echo "Error: No such container: $3" >&2; exit 1')
    done = cli("info", address="docker-container://nobody")
    check_error(
        done,
        "error: no BuildKit answers at docker-container://nobody: "
        "docker ended with exit status 1: Error: No such container: nobody\n",
    )


def test_a_program_that_talks_like_no_buildkit_is_an_error(programs: Path) -> None:
    write_program(programs / "docker", "echo 220 mail.example.com ESMTP; cat > /dev/null")
    with pytest.raises(ConnectError) as caught:
        Client("docker-container://x")
    assert caught.value.message == (
        "no BuildKit answers at docker-container://x: docker says: 220 mail.example.com ESMTP"
    )


def test_a_program_that_says_nothing_does_not_answer(programs: Path) -> None:
    write_program(programs / "docker", "exec > /dev/null; cat > /dev/null")
    check_error(
        cli("info", address="docker-container://x"),
        "error: no BuildKit answers at docker-container://x: it does not answer\n",
    )


@pytest.mark.feature("Q6")
def test_a_program_that_dies_ends_the_build(
    stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in("podman exec -i builder buildctl dial-stdio")
    mark = f"program {uuid.uuid4()}"

    def kill(event: Event) -> None:
        if isinstance(event, VertexLog):
            for process in started(tmp_path):
                # The other one may have ended with the first.
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    with Client("podman-container://builder") as client:
        with pytest.raises(TransportError) as caught:
            client.solve(
                Image("busybox").run(f"echo begun; {ENDLESS} # {mark}", ignore_cache=True),
                exports=[local(tmp_path / "out")],
                on_event=kill,
            )
        assert caught.value.message.startswith("lost the connection to podman-container://builder")
        assert "podman ended with SIGKILL" in caught.value.message
        assert not (tmp_path / "out").exists()
        wait_until(lambda: not processes(mark))
        # A call after the end of the first one starts the program anew.
        wait_until(lambda: answers(client))
    wait_until(lambda: not started(tmp_path))


@pytest.mark.feature("K8")
@pytest.mark.parametrize(
    ("told", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_no_program_outlives_the_command(
    told: signal.Signals, status: int, stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in("docker exec -i builder buildctl dial-stdio")
    mark = f"program {told.name} {uuid.uuid4()}"
    running = begin_long_build("docker-container://builder", tmp_path, mark)
    assert len(started(tmp_path)) == 2
    running.send_signal(told)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == status
    assert "Traceback" not in errors
    wait_until(lambda: not started(tmp_path))
    wait_until(lambda: not processes(mark))


def test_an_interrupt_of_the_terminal_does_not_reach_the_program(
    stand_in: Callable[[str], None], tmp_path: Path
) -> None:
    stand_in("docker exec -i builder buildctl dial-stdio")
    with Client("docker-container://builder"):
        (program,) = started(tmp_path)
        assert os.getsid(program) == program
        assert os.getsid(0) != program


@pytest.mark.feature("J11")
def test_a_fleet_is_asked_in_the_order_of_a_key(
    buildkit_host: str, buildkit_tcp: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    third = start_buildkitd().address
    gone = f"unix://{tmp_path}/gone.sock"
    addresses = [gone, buildkit_host, buildkit_tcp, third]
    chosen = set()
    for key in map(str, range(40)):
        first, second, *_ = ranked(addresses, key)
        with Client.any(addresses, key=key) as client:
            assert client.address == (second if first == gone else first)
            assert client.ping() > 0
            chosen.add(client.address)
    assert chosen == set(addresses) - {gone}


def test_a_fleet_that_cannot_be_reached_tells_why(tmp_path: Path) -> None:
    addresses = [f"unix://{tmp_path}/{name}.sock" for name in ("one", "two")]
    with pytest.raises(ConnectError) as caught:
        Client.any(addresses, key="x")
    first, second = ranked(addresses, "x")
    assert caught.value.message == (
        f"none of 2 addresses can be reached: no BuildKit answers at {first}: No such file or "
        f"directory; no BuildKit answers at {second}: No such file or directory"
    )
    with pytest.raises(ConnectError, match="no address is given"):
        Client.any([], key="x")


@pytest.mark.feature("J11")
def test_the_command_line_takes_a_fleet(buildkit_host: str, tmp_path: Path) -> None:
    gone = f"unix://{tmp_path}/gone.sock"
    for key in ("a", "b", "c", "d"):
        done = cli("ping", "--addr", gone, "--addr-key", key, address=buildkit_host)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{buildkit_host} answers in ")


@pytest.mark.feature("J12")
def test_what_is_for_a_platform_goes_to_the_daemon_that_has_it(
    buildkit_host: str, start_buildkitd: Callable[..., Buildctl]
) -> None:
    arm = start_buildkitd("--platform", "linux/arm64", "--platform", "linux/arm/v7").address
    both = start_buildkitd("--platform", "linux/amd64", "--platform", "linux/arm64").address
    fleet = [buildkit_host, arm, both]
    # Every BuildKit adds the platforms of its machine to those that it is told to have.
    for platforms, suitable in (
        (["linux/arm64/v8"], {arm}),
        (["linux/arm/v7"], {arm}),
        (["linux/amd64", "linux/arm64"], {arm, both}),
        (["linux/amd64"], {buildkit_host, both}),
        # Nobody has it, which a build that only copies need not notice.
        (["linux/s390x"], set(fleet)),
    ):
        for key in map(str, range(3)):
            with Client.any(fleet, key=key, platforms=platforms) as client:
                order = ranked(fleet, key)
                assert client.address == next(each for each in order if each in suitable)
                assert client.ping() > 0


@pytest.mark.feature("J12")
def test_the_command_line_sends_a_platform_to_the_daemon_that_has_it(
    buildkit_host: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    arm = start_buildkitd("--platform", "linux/arm64").address
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for key in ("a", "b", "c"):
        reference = tmp_path / f"reference {key}"
        done = cli(
            *("build", context, "--platform", "linux/arm64", "--ref-file", reference),
            *("--addr-key", key, "--addr", arm),
            address=buildkit_host,
        )
        assert done.returncode == 0, done.stderr
        with Client(arm) as client:
            assert client.history().build(reference.read_text()).error is None


@pytest.mark.feature("J10")
def test_a_daemon_that_comes_up_is_waited_for(buildkit_host: str, tmp_path: Path) -> None:
    path = tmp_path / "late.sock"
    with socket.socket(socket.AF_UNIX) as early, ThreadPoolExecutor() as pool:
        early.bind(str(path))
        early.listen()
        waiting = pool.submit(wait_for_ready, f"unix://{path}", timeout=PATIENCE)
        # It is there, and no BuildKit yet, when it is asked for the first time.
        with early.accept()[0]:
            path.unlink()
            path.symlink_to(buildkit_host.removeprefix("unix://"))
        with waiting.result() as client:
            assert client.info().version == "v0.32.2"


def test_waiting_ends(tmp_path: Path) -> None:
    done = cli("ping", "--wait", "1s", address=f"unix://{tmp_path}/never.sock")
    check_error(done, f"error: no BuildKit answers at unix://{tmp_path}/never.sock: No such file")


def test_a_bad_address_is_not_waited_for() -> None:
    check_error(cli("ping", "--wait", "1h", address="kube-pod://"), "missing name")
