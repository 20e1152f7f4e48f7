"""What goes wrong while bytes move: full disks, readers and daemons that are gone, other files."""

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
from tests.e2e.test_failures import check_error, cli, daemon_processes
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
# What a full disk has room for; more than every result here is larger.
ROOM = 2 * MIB
# The bytes of a transfer that arrive before it is interrupted, more than are ever buffered.
BEGUN = 8 * MIB


def large(size: int) -> State:
    """Return a tree with a file of so many MiB, most of it a hole."""
    command = f"truncate -s {size}M /out/large && echo end >> /out/large"
    return Image("busybox").run(command, mounts=[bind(Scratch(), "/out")]).mounted("/out")


def script(folder: Path, size: int) -> Path:
    """Write a build of :func:`large`."""
    written = folder / "build.py"
    written.write_text(
        "from llb import main\nfrom tests.e2e.test_transfer_faults import large\n"
        f"main(large({size}))\n"
    )
    return written


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM}"]
    subprocess.run(["mount", *options, "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def left_in(folder: Path) -> list[str]:
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
def test_a_full_disk_is_named_and_holds_nothing_after(
    option: str, written: str, problem: str, buildkit_host: str, disk: Path, tmp_path: Path
) -> None:
    given = option.replace("DISK", str(disk))
    done = cli("build", script(tmp_path, 16), given, address=buildkit_host)
    check_error(done, f"error: {problem} {disk / written}: No space left on device\n")
    assert left_in(disk) == []


def test_a_full_disk_keeps_what_was_there(buildkit_host: str, disk: Path) -> None:
    exports: list[tuple[Export, str]] = [
        (local(disk / "tree"), "tree/large"),
        (tar(disk / "archive"), "archive"),
        (oci(disk / "layout", tar=False), "layout/index.json"),
    ]
    with Client(buildkit_host) as client:
        for export, name in exports:
            client.solve(Scratch().mkfile("/large", "old"), exports=[export])
            before = left_in(disk), (disk / name).read_bytes()
            with pytest.raises(InputError, match="No space left on device"):
                client.solve(noise(), exports=[export])
            assert (left_in(disk), (disk / name).read_bytes()) == before


def noise() -> State:
    """Return a tree with a file that does not get smaller."""
    command = f"head -c {8 * MIB} /dev/urandom > /out/large"
    return Image("busybox").run(command, mounts=[bind(Scratch(), "/out")]).mounted("/out")


def test_a_full_disk_behind_standard_output_is_named(
    buildkit_host: str, disk: Path, tmp_path: Path
) -> None:
    with (disk / "out").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "llb", "build", script(tmp_path, 16), "-o", "type=tar,dest=-"],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"BUILDKIT_HOST": buildkit_host},
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert "error: cannot write the output: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr


def begin_to_pipe(address: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start an export to a pipe, and wait until something of it is there to be read."""
    running = subprocess.Popen(
        [
            *("env", "--default-signal=INT", sys.executable, "-m", "llb", "build"),
            *(script(folder, 64), "-o", "type=tar,dest=-", "--addr", address),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert len(os.read(running.stdout.fileno(), 1)) == 1
    return running


def is_full(pipe: IO[bytes] | None) -> bool:
    """Return whether a write to the other end of a pipe would block."""
    assert pipe is not None
    end = os.open(f"/proc/self/fd/{pipe.fileno()}", os.O_WRONLY)
    try:
        return not select.select([], [end], [], 0)[1]
    finally:
        os.close(end)


@pytest.mark.feature("Q3")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_reader_that_does_not_read_keeps_nobody_from_leaving(
    sent: signal.Signals, status: int, buildkit_host: str, tmp_path: Path
) -> None:
    with begin_to_pipe(buildkit_host, tmp_path) as running:
        assert running.stdout is not None
        wait_until(lambda: is_full(running.stdout))
        assert running.poll() is None
        running.send_signal(sent)
        assert running.wait(PATIENCE) == status
        _, errors = running.communicate()
    assert b"Traceback" not in errors


def test_a_reader_that_is_gone_ends_the_build(buildkit_host: str, tmp_path: Path) -> None:
    with begin_to_pipe(buildkit_host, tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.wait(PATIENCE) == 1
        errors = running.stderr.read()
    assert b"error: cannot write the output: Broken pipe\n" in errors
    assert b"Traceback" not in errors


def killing(daemon: Buildctl) -> Callable[[], None]:
    (pid,) = daemon_processes(daemon)

    def kill() -> None:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not daemon_processes(daemon))

    return kill


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A directory that takes a while to be sent."""
    folder = tmp_path / "context"
    folder.mkdir()
    for name in ("0", "1"):
        with (folder / name).open("wb") as file:
            file.truncate(128 * MIB)
    return folder


def anew(name: str) -> State:
    """Return a local directory of which the daemon has nothing."""
    nonce = secrets.token_hex(8)
    return Local(name, unique_id=nonce, shared_key=nonce)


def size_of(place: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(path.lstat().st_size for path in place.rglob("*"))
    return 0


@contextmanager
def broken_connection(address: str) -> Iterator[None]:
    """Check how what is done here ends."""
    begun = time.monotonic()
    with pytest.raises(TransportError) as caught:
        yield
    assert caught.value.message.startswith(f"lost the connection to {address}: ")
    assert time.monotonic() - begun < PATIENCE


def send(relay: Relay, context: Path, work: Callable[[], None], place: Path) -> None:
    """Upload, and call ``work`` when the daemon has a part of it."""
    relay.pause_after(BEGUN, work)
    with broken_connection(relay.address), Client(relay.address) as client:
        client.solve(
            Scratch().copy(anew("context"), "/"),
            local_dirs={"context": context},
            exports=[local(place / "out")],
        )
    assert left_in(place) == []


def receive(relay: Relay, kind: str, work: Callable[[], None], place: Path) -> None:
    """Export, and call ``work`` when a part of the result is written."""
    seen: list[int] = []

    def once_written() -> None:
        wait_until(lambda: size_of(place) > MIB)
        seen.append(size_of(place))
        work()

    relay.pause_after(BEGUN, once_written)
    with broken_connection(relay.address), Client(relay.address) as client:
        client.solve(large(256), exports=[parse_export(f"{kind},dest={place / 'out'}")])
    (size,) = seen
    assert MIB < size < 256 * MIB
    assert left_in(place) == []


EXPORTS = (
    "type=local",
    "type=tar",
    "type=oci,compression=uncompressed",
    "type=oci,compression=uncompressed,tar=false",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty directory."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.mark.feature("Q3")
def test_a_daemon_that_dies_in_an_upload_is_an_error_in_bounded_time(
    start_buildkitd: Callable[[], Buildctl],
    relay_to: Callable[[str], Relay],
    context: Path,
    place: Path,
) -> None:
    daemon = start_buildkitd()
    relay = relay_to(daemon.address)
    send(relay, context, killing(daemon), place)


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_daemon_that_dies_in_an_export_leaves_nothing(
    kind: str,
    start_buildkitd: Callable[[], Buildctl],
    relay_to: Callable[[str], Relay],
    place: Path,
) -> None:
    daemon = start_buildkitd()
    relay = relay_to(daemon.address)
    receive(relay, kind, killing(daemon), place)


def test_a_connection_that_breaks_in_an_upload_is_an_error_in_bounded_time(
    relay: Relay, context: Path, place: Path
) -> None:
    send(relay, context, relay.cut_newest, place)


@pytest.mark.feature("Q3")
@pytest.mark.parametrize("kind", EXPORTS)
def test_a_connection_that_breaks_in_an_export_leaves_nothing(
    kind: str, relay: Relay, place: Path
) -> None:
    receive(relay, kind, relay.cut_newest, place)


@pytest.fixture
def changing(relay: Relay, tmp_path: Path) -> Changing:
    return Changing(relay, tmp_path / "changing", f"z{secrets.token_hex(8)}-")


@frozen
class Changing:
    """A directory that changes while it is sent.

    The names of its files begin with a prefix that occurs nowhere else in what a client sends.
    By it the relay finds the moment when the client has described all files and the daemon has
    not asked for their contents.
    """

    relay: Relay
    folder: Path
    prefix: str

    def sent(self, change: Callable[[], None], out: Path) -> dict[str, str]:
        """Send the directory, and change it meanwhile; return the contents that arrived."""
        names = sorted(path.name.encode() for path in self.folder.iterdir())
        self.relay.interrupt(names[0], names[-1], change)
        with Client(self.relay.address) as client:
            client.solve(
                Scratch().copy(anew("context"), "/"),
                local_dirs={"context": self.folder},
                exports=[local(out)],
            )
        return {path.name.removeprefix(self.prefix): path.read_text() for path in out.iterdir()}

    def __truediv__(self, name: str) -> Path:
        self.folder.mkdir(exist_ok=True)
        return self.folder / f"{self.prefix}{name}"


@pytest.mark.feature("N5")
def test_files_that_change_while_others_are_sent_are_sent_as_they_are_then(
    changing: Changing, tmp_path: Path
) -> None:
    for name in ("gone", "grown", "replaced", "shrunk"):
        (changing / name).write_text("before")

    def change() -> None:
        (changing / "gone").unlink()
        (changing / "grown").write_text("before and after")
        (tmp_path / "new").write_text("another")
        (tmp_path / "new").rename(changing / "replaced")
        (changing / "shrunk").write_text("be")

    assert changing.sent(change, tmp_path / "out") == {
        "gone": "",
        "grown": "before and after",
        "replaced": "another",
        "shrunk": "be",
    }


@pytest.mark.feature("N5")
def test_a_file_that_becomes_a_directory_is_named(changing: Changing, tmp_path: Path) -> None:
    file = changing / "file"
    file.write_text("before")

    def change() -> None:
        file.unlink()
        file.mkdir()

    with pytest.raises(InputError) as caught:
        changing.sent(change, tmp_path / "out")
    assert caught.value.message == f"cannot read {file}: Is a directory"
    assert not (tmp_path / "out").exists()


def test_a_directory_that_cannot_be_read_is_named(buildkit_host: str, tmp_path: Path) -> None:
    build = tmp_path / "build.py"
    build.write_text("from llb import Local, main\nmain(Local('context', shared_key='closed'))\n")
    closed = tmp_path / "context" / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0)
    done = without_privileges(
        buildkit_host, build, "--local", f"context={closed.parent}", "-o", tmp_path / "out"
    )
    check_error(done, f"error: cannot read the directory {closed}: Permission denied\n")
    assert not (tmp_path / "out").exists()


def without_privileges(address: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a build that may not do everything with files, as root may."""
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
