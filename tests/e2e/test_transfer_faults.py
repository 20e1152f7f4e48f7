"""Faults during a transfer: full disks, lost readers and daemons, files that change."""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from llb import Image, Local, Scratch, bind
from llb.client import Client, local, oci, parse_export, tar
from llb.errors import InputError, TransportError
from tests.e2e.test_failures import check_error, cli, find_daemon_processes
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

    from llb import State
    from llb.client import Export
    from tests.e2e.conftest import Buildctl
    from tests.e2e.relays import Relay

MIB = 2**20
# The size of the small disk; every result in these tests is larger.
DISK_SIZE = 2 * MIB
# The number of bytes after which a transfer is interrupted, more than all buffers hold.
FAULT_OFFSET = 8 * MIB


def large(size: int) -> State:
    """Build a tree with a sparse file of ``size`` MiB."""
    command = f"truncate -s {size}M /out/large && echo end >> /out/large"
    base = Image("busybox", inherit_config=False)  # Its lookup would be the newest connection.
    return base.run(command, mounts=[bind(Scratch(), "/out")]).mounted("/out")


def script(folder: Path, size: int) -> Path:
    """Write a build script for :func:`large`."""
    path = folder / "build.py"
    path.write_text(
        "from llb import main\nfrom tests.e2e.test_transfer_faults import large\n"
        f"main(large({size}))\n"
    )
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system that fills up quickly."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_SIZE}"]
    subprocess.run(["mount", *options, "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def list_paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.feature("Q3")
@pytest.mark.parametrize(
    ("option", "written", "problem"),
    [
        ("--output=DISK/out", "out", "cannot write"),
        ("--output=type=local,dest=DISK", "", "cannot write"),
        ("--output=type=tar,dest=DISK/out.tar", "out.tar", "cannot export to"),
        (
            "--output=type=oci,dest=DISK/out.tar,compression=uncompressed",
            "out.tar",
            "cannot export to",
        ),
        (
            "--output=type=oci,tar=false,dest=DISK/out,compression=uncompressed",
            "out",
            "cannot write to",
        ),
        ("--cache-to=type=local,dest=DISK/out,compression=uncompressed", "out", "cannot write to"),
    ],
)
def test_a_full_disk_is_named_and_keeps_no_partial_output(
    option: str, written: str, problem: str, buildkit_host: str, disk: Path, tmp_path: Path
) -> None:
    output_option = option.replace("DISK", str(disk))
    process = cli("build", script(tmp_path, 16), output_option, address=buildkit_host)
    check_error(process, f"error: {problem} {disk / written}: No space left on device\n")
    assert list_paths(disk) == []


def test_a_full_disk_keeps_earlier_results(buildkit_host: str, disk: Path) -> None:
    exports: list[tuple[Export, str]] = [
        (local(disk / "tree"), "tree/large"),
        (tar(disk / "archive"), "archive"),
        (oci(disk / "layout", tar=False), "layout/index.json"),
    ]
    with Client(buildkit_host) as client:
        for export, name in exports:
            client.solve(Scratch().mkfile("/large", "old"), exports=[export])
            before = list_paths(disk), (disk / name).read_bytes()
            with pytest.raises(InputError, match="No space left on device"):
                client.solve(incompressible(), exports=[export])
            assert (list_paths(disk), (disk / name).read_bytes()) == before


def incompressible() -> State:
    """Build a tree with a random, incompressible file."""
    command = f"head -c {8 * MIB} /dev/urandom > /out/large"
    base = Image("busybox", inherit_config=False)  # Its lookup would be the newest connection.
    return base.run(command, mounts=[bind(Scratch(), "/out")]).mounted("/out")


def test_a_full_disk_behind_standard_output_is_named(
    buildkit_host: str, disk: Path, tmp_path: Path
) -> None:
    with (disk / "out").open("wb") as output:
        process = subprocess.run(
            [sys.executable, "-m", "llb", "build", script(tmp_path, 16), "-o", "type=tar,dest=-"],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"BUILDKIT_HOST": buildkit_host},
            timeout=PATIENCE,
            check=False,
        )
    assert process.returncode == 1
    assert "error: cannot write the output: No space left on device\n" in process.stderr
    assert "Traceback" not in process.stderr


def begin_export_to_pipe(address: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start an export to a pipe, and wait until its first byte can be read."""
    running = subprocess.Popen(
        [
            *("env", "--default-signal=INT,HUP", sys.executable, "-m", "llb", "build"),
            *(script(folder, 64), "-o", "type=tar,dest=-", "--addr", address),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert len(os.read(running.stdout.fileno(), 1)) == 1
    return running


def is_full(pipe: IO[bytes] | None) -> bool:
    """Check whether a write to the other end of a pipe would block."""
    assert pipe is not None
    end = os.open(f"/proc/self/fd/{pipe.fileno()}", os.O_WRONLY)
    try:
        return not select.select([], [end], [], 0)[1]
    finally:
        os.close(end)


@pytest.mark.feature("Q3")
@pytest.mark.parametrize(
    ("signal_number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_a_build_whose_reader_does_not_read(
    signal_number: signal.Signals, status: int, buildkit_host: str, tmp_path: Path
) -> None:
    with begin_export_to_pipe(buildkit_host, tmp_path) as running:
        assert running.stdout is not None
        wait_until(lambda: is_full(running.stdout))
        assert running.poll() is None
        running.send_signal(signal_number)
        assert running.wait(PATIENCE) == status
        _, errors = running.communicate()
    assert b"Traceback" not in errors


def test_a_closed_pipe_ends_the_build(buildkit_host: str, tmp_path: Path) -> None:
    with begin_export_to_pipe(buildkit_host, tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.wait(PATIENCE) == 1
        errors = running.stderr.read()
    assert b"error: cannot write the output: Broken pipe\n" in errors
    assert b"Traceback" not in errors


def kill_function(daemon: Buildctl) -> Callable[[], None]:
    (pid,) = find_daemon_processes(daemon)

    def kill() -> None:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not find_daemon_processes(daemon))

    return kill


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A directory with large files, whose upload takes a while."""
    folder = tmp_path / "context"
    folder.mkdir()
    for name in ("0", "1"):
        with (folder / name).open("wb") as file:
            file.truncate(128 * MIB)
    return folder


def fresh_local(name: str) -> State:
    """Create a local source that the daemon cannot have in its cache."""
    nonce = secrets.token_hex(8)
    return Local(name, unique_id=nonce, shared_key=nonce)


def total_size(target_folder: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(path.lstat().st_size for path in target_folder.rglob("*"))
    return 0


@contextmanager
def expect_broken_connection(address: str) -> Iterator[None]:
    """Expect that the block ends with a lost connection, within the timeout."""
    start = time.monotonic()
    with pytest.raises(TransportError) as caught:
        yield
    assert caught.value.message.startswith(f"lost the connection to {address}: ")
    assert time.monotonic() - start < PATIENCE


def upload_with_fault(
    relay: Relay, context: Path, work: Callable[[], None], target_folder: Path
) -> None:
    """Upload; call ``work`` when the daemon has received a part, and expect a lost connection."""
    relay.pause_after(FAULT_OFFSET, work)
    with expect_broken_connection(relay.address), Client(relay.address) as client:
        client.solve(
            Scratch().copy(fresh_local("context"), "/"),
            local_dirs={"context": context},
            exports=[local(target_folder / "out")],
        )
    assert list_paths(target_folder) == []


def export_with_fault(
    relay: Relay, kind: str, work: Callable[[], None], target_folder: Path
) -> None:
    """Export; call ``work`` when a part is written, and expect a lost connection."""
    sizes: list[int] = []

    def once_written() -> None:
        wait_until(lambda: total_size(target_folder) > MIB)
        sizes.append(total_size(target_folder))
        work()

    relay.pause_after(FAULT_OFFSET, once_written)
    with expect_broken_connection(relay.address), Client(relay.address) as client:
        client.solve(large(256), exports=[parse_export(f"{kind},dest={target_folder / 'out'}")])
    (size,) = sizes
    assert MIB < size < 256 * MIB
    assert list_paths(target_folder) == []


EXPORTS = (
    "type=local",
    "type=tar",
    "type=oci,compression=uncompressed",
    "type=oci,compression=uncompressed,tar=false",
)


@pytest.fixture
def target_folder(tmp_path: Path) -> Path:
    """An empty directory."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.mark.feature("Q3")
def test_a_daemon_that_dies_in_an_upload_is_an_error_within_the_timeout(
    start_buildkitd: Callable[[], Buildctl],
    start_relay: Callable[[str], Relay],
    context: Path,
    target_folder: Path,
) -> None:
    daemon = start_buildkitd()
    relay = start_relay(daemon.address)
    upload_with_fault(relay, context, kill_function(daemon), target_folder)


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_daemon_that_dies_in_an_export_leaves_nothing(
    kind: str,
    start_buildkitd: Callable[[], Buildctl],
    start_relay: Callable[[str], Relay],
    target_folder: Path,
) -> None:
    daemon = start_buildkitd()
    relay = start_relay(daemon.address)
    export_with_fault(relay, kind, kill_function(daemon), target_folder)


def test_a_connection_that_breaks_in_an_upload_is_an_error_within_the_timeout(
    relay: Relay, context: Path, target_folder: Path
) -> None:
    upload_with_fault(relay, context, relay.cut_newest, target_folder)


@pytest.mark.feature("Q3")
@pytest.mark.parametrize("kind", EXPORTS)
def test_a_connection_that_breaks_in_an_export_leaves_nothing(
    kind: str, relay: Relay, target_folder: Path
) -> None:
    export_with_fault(relay, kind, relay.cut_newest, target_folder)


@pytest.fixture
def changing_directory(relay: Relay, tmp_path: Path) -> ChangingDirectory:
    return ChangingDirectory(relay, tmp_path / "changing", f"z{secrets.token_hex(8)}-")


@frozen
class ChangingDirectory:
    """A directory that changes during an upload.

    The names of its files begin with a prefix that occurs nowhere else in the client's data. The
    relay uses the prefix to find the moment when the client has sent the metadata of all files and
    the daemon has not yet requested their contents.
    """

    relay: Relay
    folder: Path
    prefix: str

    def upload(self, change: Callable[[], None], out: Path) -> dict[str, str]:
        """Upload the directory and change it meanwhile; return the contents that arrived."""
        names = sorted(path.name.encode() for path in self.folder.iterdir())
        self.relay.interrupt(names[0], names[-1], change)
        with Client(self.relay.address) as client:
            client.solve(
                Scratch().copy(fresh_local("context"), "/"),
                local_dirs={"context": self.folder},
                exports=[local(out)],
            )
        return {path.name.removeprefix(self.prefix): path.read_text() for path in out.iterdir()}

    def __truediv__(self, name: str) -> Path:
        self.folder.mkdir(exist_ok=True)
        return self.folder / f"{self.prefix}{name}"


@pytest.mark.feature("N5")
def test_files_that_change_during_an_upload_are_sent_in_their_new_state(
    changing_directory: ChangingDirectory, tmp_path: Path
) -> None:
    for name in ("gone", "grown", "replaced", "shrunk"):
        (changing_directory / name).write_text("before")

    def change() -> None:
        (changing_directory / "gone").unlink()
        (changing_directory / "grown").write_text("before and after")
        (tmp_path / "new").write_text("another")
        (tmp_path / "new").rename(changing_directory / "replaced")
        (changing_directory / "shrunk").write_text("be")

    assert changing_directory.upload(change, tmp_path / "out") == {
        "gone": "",
        "grown": "before and after",
        "replaced": "another",
        "shrunk": "be",
    }


@pytest.mark.feature("N5")
def test_a_file_that_becomes_a_directory_is_named(
    changing_directory: ChangingDirectory, tmp_path: Path
) -> None:
    file = changing_directory / "file"
    file.write_text("before")

    def change() -> None:
        file.unlink()
        file.mkdir()

    with pytest.raises(InputError) as caught:
        changing_directory.upload(change, tmp_path / "out")
    assert caught.value.message == f"cannot read {file}: Is a directory"
    assert not (tmp_path / "out").exists()


def test_an_unreadable_directory_is_named(buildkit_host: str, tmp_path: Path) -> None:
    script_path = tmp_path / "build.py"
    script_path.write_text(
        "from llb import Local, main\nmain(Local('context', shared_key='closed'))\n"
    )
    unreadable = tmp_path / "context" / "closed"
    unreadable.mkdir(parents=True)
    unreadable.chmod(0)
    process = build_without_privileges(
        buildkit_host,
        script_path,
        "--local",
        f"context={unreadable.parent}",
        "-o",
        tmp_path / "out",
    )
    check_error(process, f"error: cannot read the directory {unreadable}: Permission denied\n")
    assert not (tmp_path / "out").exists()


def build_without_privileges(
    address: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a build without root's capabilities to bypass file permissions."""
    return subprocess.run(
        [
            *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
            *(sys.executable, "-m", "llb", "build", *arguments, "--addr", address),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
