"""Connections through helper programs, to a fleet of daemons, and to a daemon that starts late."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, bind, secret
from llb.client import Client, Event, VertexLog, local, wait_for_ready
from llb.client.connect.fleet import ranked
from llb.errors import ConnectError, SolveError, TransportError
from llb.grpc import Pipe, socket_pipe
from tests.e2e.servers import free_port, running_sshd, write_program
from tests.e2e.test_failures import ENDLESS, begin_long_build, check_error, cli, find_processes
from tests.e2e.versions import VERSION
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay
    from tests.e2e.servers import Sshd

CONTENT = bytes(range(256)) * 20_000

ADDRESSES = [
    ("podman-container://Some_builder", "podman exec -i Some_builder buildctl dial-stdio"),
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
    """An empty folder at the start of PATH; STARTED_BY marks the programs that the test starts."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STARTED_BY", str(tmp_path))
    return folder


@pytest.fixture
def fake_program(programs: Path, buildctl: Buildctl) -> Callable[[str], None]:
    """Write a fake program that dials the stack's daemon if its command line matches exactly."""

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
    """A real sshd on the loopback, whose sessions have buildctl on PATH."""
    folder = tmp_path_factory.mktemp("ssh") / "sshd"
    with running_sshd(folder, buildctl.program.parent) as running:
        yield running


def build_through(address: str, folder: Path) -> None:
    """Build with an upload, a step and an export; fails unless the file comes back unchanged."""
    (folder / "context").mkdir()
    (folder / "context" / "file").write_bytes(CONTENT)
    # Without a lookup of the image, which needs a connection of its own.
    image = Image("busybox", inherit_config=False)
    step = image.run("cp /in/file /copy", mounts=[bind(Local("context"), "/in")])
    with Client(address) as client:
        assert client.info().version == VERSION
        client.solve(
            step, local_dirs={"context": folder / "context"}, exports=[local(folder / "o")]
        )
    assert (folder / "o" / "copy").read_bytes() == CONTENT


def started_programs(folder: Path) -> list[int]:
    """Find the running programs that a test started, by the folder in their STARTED_BY."""
    mark = f"STARTED_BY={folder}".encode()
    pids = []
    for process_folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = mark in (process_folder / "environ").read_bytes().split(b"\0")
            if is_ours and b"dial-stdio" in (process_folder / "cmdline").read_bytes():
                pids.append(int(process_folder.name))
    return pids


def is_answering(client: Client) -> bool:
    """Check whether a daemon answers."""
    with suppress(ConnectError):
        return client.ping() > 0
    return False


@pytest.mark.feature("J3")
@pytest.mark.parametrize(("address", "command"), ADDRESSES)
def test_a_build_goes_through_a_program(
    address: str, command: str, fake_program: Callable[[str], None], programs: Path, tmp_path: Path
) -> None:
    fake_program(command)
    build_through(address, tmp_path)
    (calls,) = programs.glob("*.runs")
    # The control API and the session use one connection each.
    assert calls.read_text() == "\n\n"
    wait_until(lambda: not started_programs(tmp_path))


@pytest.mark.feature("J4")
def test_a_build_goes_through_ssh(
    sshd: Sshd, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
    build_through(sshd.address + buildctl.address.removeprefix("unix://"), tmp_path)


def test_a_missing_socket_on_an_ssh_host_is_an_error(
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
def test_an_unreachable_ssh_host_is_an_error(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{sshd.programs}:{os.environ['PATH']}")
    port = free_port()
    process = cli("info", address=f"ssh://127.0.0.1:{port}")
    check_error(
        process,
        f"error: no BuildKit answers at ssh://127.0.0.1:{port}: ssh ended with exit status 255: "
        f"ssh: connect to host 127.0.0.1 port {port}: Connection refused\n",
    )


def test_a_missing_program_is_named(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ConnectError) as caught:
        Client("kube-pod://builder")
    assert caught.value.message == (
        "no BuildKit answers at kube-pod://builder: kubectl is not on PATH"
    )
    (programs / "kubectl").write_text("not to be run")
    with pytest.raises(ConnectError, match="kubectl cannot be started: Permission denied"):
        Client("kube-pod://builder")


def test_the_error_has_the_stderr_of_a_failed_program(programs: Path) -> None:
    write_program(programs / "podman", 'echo "Error: no such container: $3" >&2; exit 125')
    process = cli("info", address="podman-container://nobody")
    check_error(
        process,
        "error: no BuildKit answers at podman-container://nobody: "
        "podman ended with exit status 125: Error: no such container: nobody\n",
    )


def test_a_program_that_does_not_speak_http2_is_an_error(programs: Path) -> None:
    write_program(programs / "podman", "echo 220 mail.example.com ESMTP; cat > /dev/null")
    with pytest.raises(ConnectError) as caught:
        Client("podman-container://x")
    assert caught.value.message == (
        "no BuildKit answers at podman-container://x: podman says: 220 mail.example.com ESMTP"
    )


def test_a_program_that_says_nothing_does_not_answer(programs: Path) -> None:
    write_program(programs / "podman", "exec > /dev/null; cat > /dev/null")
    check_error(
        cli("info", address="podman-container://x"),
        "error: no BuildKit answers at podman-container://x: it does not answer\n",
    )


@pytest.mark.feature("Q6")
def test_a_program_that_dies_ends_the_build(
    fake_program: Callable[[str], None], tmp_path: Path
) -> None:
    fake_program("podman exec -i builder buildctl dial-stdio")
    mark = f"program {uuid.uuid4()}"

    def kill(event: Event) -> None:
        if isinstance(event, VertexLog):
            for process in started_programs(tmp_path):
                # The second program may have ended together with the first.
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
        wait_until(lambda: not find_processes(mark))
        # The next call starts the program again.
        wait_until(lambda: is_answering(client))
    wait_until(lambda: not started_programs(tmp_path))


@pytest.mark.feature("K8")
@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_no_program_outlives_the_command(
    sent: signal.Signals, status: int, fake_program: Callable[[str], None], tmp_path: Path
) -> None:
    fake_program("podman exec -i builder buildctl dial-stdio")
    mark = f"program {sent.name} {uuid.uuid4()}"
    running = begin_long_build("podman-container://builder", tmp_path, mark)
    assert len(started_programs(tmp_path)) == 2
    running.send_signal(sent)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == status
    assert "Traceback" not in errors
    wait_until(lambda: not started_programs(tmp_path))
    wait_until(lambda: not find_processes(mark))


def test_a_program_runs_in_its_own_session(
    fake_program: Callable[[str], None], tmp_path: Path
) -> None:
    fake_program("podman exec -i builder buildctl dial-stdio")
    with Client("podman-container://builder"):
        (program,) = started_programs(tmp_path)
        assert os.getsid(program) == program
        assert os.getsid(0) != program


@pytest.mark.feature("J11")
def test_a_fleet_is_tried_in_the_order_of_a_key(
    buildkit_host: str, buildkit_tcp: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    third = start_buildkitd().address
    missing = f"unix://{tmp_path}/gone.sock"
    addresses = [missing, buildkit_host, buildkit_tcp, third]
    used = set()
    for key in map(str, range(40)):
        first, second, *_ = ranked(addresses, key)
        with Client.any(addresses, key=key) as client:
            assert client.address == (second if first == missing else first)
            assert client.ping() > 0
            used.add(client.address)
    assert used == set(addresses) - {missing}


def test_an_unreachable_fleet_reports_every_reason(tmp_path: Path) -> None:
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
    missing = f"unix://{tmp_path}/gone.sock"
    for key in ("a", "b", "c", "d"):
        process = cli("ping", "--addr", missing, "--addr-key", key, address=buildkit_host)
        assert process.returncode == 0, process.stderr
        assert process.stdout.startswith(f"{buildkit_host} answers in ")


@pytest.mark.feature("J12")
def test_a_build_for_a_platform_goes_to_a_daemon_that_supports_it(
    buildkit_host: str, start_buildkitd: Callable[..., Buildctl]
) -> None:
    arm = start_buildkitd("--platform", "linux/arm64", "--platform", "linux/arm/v7").address
    both = start_buildkitd("--platform", "linux/amd64", "--platform", "linux/arm64").address
    fleet = [buildkit_host, arm, both]
    # Every BuildKit adds the platforms of its machine to its configured platforms.
    for platforms, capable in (
        (["linux/arm64/v8"], {arm}),
        (["linux/arm/v7"], {arm}),
        (["linux/amd64", "linux/arm64"], {arm, both}),
        (["linux/amd64"], {buildkit_host, both}),
        # No daemon has this platform; a build that only copies does not need it.
        (["linux/s390x"], set(fleet)),
    ):
        for key in map(str, range(3)):
            with Client.any(fleet, key=key, platforms=platforms) as client:
                order = ranked(fleet, key)
                assert client.address == next(address for address in order if address in capable)
                assert client.ping() > 0


@pytest.mark.feature("J12")
def test_the_command_line_sends_a_platform_to_a_daemon_that_supports_it(
    buildkit_host: str, start_buildkitd: Callable[..., Buildctl], tmp_path: Path
) -> None:
    arm = start_buildkitd("--platform", "linux/arm64").address
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for key in ("a", "b", "c"):
        reference = tmp_path / f"reference {key}"
        process = cli(
            *("build", context, "--platform", "linux/arm64", "--ref-file", reference),
            *("--addr-key", key, "--addr", arm),
            address=buildkit_host,
        )
        assert process.returncode == 0, process.stderr
        with Client(arm) as client:
            assert client.history().build(reference.read_text()).error is None


@pytest.mark.feature("J10")
def test_a_client_waits_for_a_daemon_that_comes_up(buildkit_host: str, tmp_path: Path) -> None:
    path = tmp_path / "late.sock"
    with socket.socket(socket.AF_UNIX) as placeholder, ThreadPoolExecutor() as pool:
        placeholder.bind(str(path))
        placeholder.listen()
        future = pool.submit(wait_for_ready, f"unix://{path}", timeout=PATIENCE)
        # At the first attempt, the socket exists but does not lead to a BuildKit.
        with placeholder.accept()[0]:
            path.unlink()
            path.symlink_to(buildkit_host.removeprefix("unix://"))
        with future.result() as client:
            assert client.info().version == VERSION


def test_waiting_ends_after_the_timeout(tmp_path: Path) -> None:
    process = cli("ping", "--wait", "1s", address=f"unix://{tmp_path}/never.sock")
    check_error(
        process, f"error: no BuildKit answers at unix://{tmp_path}/never.sock: No such file"
    )


def test_an_invalid_address_fails_without_waiting() -> None:
    check_error(cli("ping", "--wait", "1h", address="kube-pod://"), "missing name")


@pytest.mark.feature("J13")
def test_a_build_goes_through_a_dialer(
    relay: Relay, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO", "llb")
    path = relay.address.removeprefix("unix://")
    connections: list[socket.socket | Pipe] = []

    def dial() -> socket.socket | Pipe:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        connections.append(connection if len(connections) % 2 else socket_pipe(connection))
        return connections[-1]

    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_bytes(CONTENT)
    # Without a lookup of the image, which needs a connection of its own.
    image = Image("busybox", inherit_config=False)
    step = image.run("cp /in/file /copy", mounts=[bind(Local("context"), "/in")])
    with wait_for_ready(dialer=dial) as client:
        assert client.address == "dialer://dial"
        client.solve(step, local_dirs={"context": context}, exports=[local(tmp_path / "out")])
        relay.cut_all()
        wait_until(lambda: " has ended: " in caplog.text)
        client.solve(step, local_dirs={"context": context}, exports=[local(tmp_path / "again")])
    assert (tmp_path / "out" / "copy").read_bytes() == CONTENT
    assert (tmp_path / "again" / "copy").read_bytes() == CONTENT
    assert len(connections) >= 4


@pytest.mark.feature("J13")
def test_a_dialer_that_fails_is_an_error(
    buildkit_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDKIT_HOST", buildkit_host)

    def refuse() -> socket.socket:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(ConnectError) as caught:
        Client(dialer=refuse)
    assert caught.value.message == "no BuildKit answers at dialer://refuse: Connection refused"
    with pytest.raises(
        ConnectError, match=r"^no BuildKit answers at tcp://builder:1: Connection r"
    ):
        Client("tcp://builder:1", dialer=refuse)
    with pytest.raises(ConnectError, match=r"Transport endpoint is not connected|Broken pipe"):
        Client(dialer=socket.socket)
    with pytest.raises(ZeroDivisionError):
        Client(dialer=lambda: 1 / 0)  # type: ignore[return-value,arg-type]


@pytest.mark.feature("Q11")
def test_builds_and_connections_are_logged(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "llb")
    good, bad = (uuid.uuid4().hex for _ in range(2))
    with Client(relay.address) as client:
        step = Image("busybox").run(
            "cat /run/secrets/word", mounts=[secret("word")], ignore_cache=True
        )
        client.solve(step, secrets={"word": b"open sesame"}, ref=good)
        with pytest.raises(SolveError):
            client.solve(Image("busybox").run("exit 7"), ref=bad)
        relay.cut_all()
        wait_until(lambda: " has ended: " in caplog.text)
        client.ping()
    infos = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    ended = f"the connection to {relay.address} has ended: …"
    volatile = re.compile(r"\d+\.\d\d s|(?<= has ended: ).*")
    assert [volatile.sub("…", message) for message in infos] == [
        f"connected to {relay.address}",
        f"build {good} started",
        f"build {good} succeeded after …",
        f"build {bad} started",
        f"build {bad}: SolveError after …",
        ended,
        f"connected to {relay.address}",
        ended,
    ]
    assert "request /moby.buildkit.secrets.v1.Secrets/GetSecret" in caplog.messages
    assert "open sesame" not in caplog.text
