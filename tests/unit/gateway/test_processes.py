"""Input, output, signals and exit codes of processes in containers of a frontend."""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from llb import secret
from llb.errors import InvalidValueError, ProcessError, RemoteError
from llb.gateway import Completed, Container, Gateway, Ref, is_not_found
from llb.gateway.files import RANGE
from tests.fakes.containers import FakeContainers
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = bytes(range(256)) * 2_000


@pytest.fixture
def daemon() -> FakeContainers:
    return FakeContainers({"/etc/name": b"value"})


@pytest.fixture
def gateway(daemon: FakeContainers) -> Iterator[Gateway]:
    with offered(daemon) as channel:
        yield Gateway(channel)


@pytest.fixture
def container(gateway: Gateway) -> Iterator[Container]:
    """A container whose first process only waits."""
    with gateway.new_container(Ref("root"), init=["cat"]) as container:
        yield container


def test_bytes_go_in_and_out(container: Container) -> None:
    assert container.run(["cat"], stdin=LARGE) == Completed(("cat",), 0, LARGE, b"")


def test_a_process_reads_a_file(container: Container, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    with (tmp_path / "file").open("rb") as file:
        assert container.run(["cat"], stdin=file).stdout == LARGE


def test_a_pipe_is_written_to_piece_by_piece(container: Container) -> None:
    with container.start(["cat"], stdin="pipe") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for data in (b"one", b"two"):
            process.stdin.write(data)
            assert process.stdout.read1() == data
        assert (process.exit_code, process.is_over) == (None, False)
        process.stdin.close()
        assert (process.wait(), process.stdout.read()) == (0, b"")
        assert (process.exit_code, process.is_over) == (0, True)
        with pytest.raises(ValueError, match="closed"):
            process.stdin.write(b"more")


def test_output_goes_to_files_or_is_discarded(container: Container) -> None:
    out = io.BytesIO()
    completed = container.run(["cat"], stdin=b"text", stdout=out, stderr="discard")
    assert (completed.stdout, out.getvalue()) == (b"", b"text")
    both = container.run(["exit", "3", "lines"], stderr="stdout", check=False)
    assert (both.stdout, both.stderr, both.exit_code) == (b"lines\n", b"", 3)


def test_a_process_that_fails_is_an_error_with_its_last_line(gateway: Gateway) -> None:
    with gateway.new_container(Ref("root")) as container:
        with pytest.raises(ProcessError) as caught:
            container.run(["exit", "3", "first", "last", " "])
        assert caught.value.message == "process 'exit 3 first last  ' ended with exit code 3: last"
        assert (caught.value.exit_code, caught.value.stderr) == (3, b"first\nlast\n \n")
        with pytest.raises(InvalidValueError) as ended:
            container.run(["cat"])
        assert ended.value.message == (
            "the container has ended: process 'exit 3 first last  ' ended with exit code 3"
        )


def test_check_raises_for_a_nonzero_exit_code(container: Container) -> None:
    process = container.start(["exit", "4"])
    with pytest.raises(ProcessError, match="exit code 4"):
        process.check()


@pytest.mark.parametrize("number", [signal.SIGHUP, 1, "SIGHUP", "hup"])
def test_a_process_receives_a_signal(container: Container, number: Any) -> None:
    process = container.start(["cat"], stdin="pipe")
    process.signal(number)
    assert process.wait() == 137
    assert process.stderr is not None
    assert process.stderr.read() == b"HUP\n"
    # A process that has ended gets no signal.
    process.kill()


@pytest.mark.parametrize("number", [0, 1000, "SIGNONE"])
def test_an_invalid_signal_is_refused(container: Container, number: Any) -> None:
    with (
        container.start(["cat"], stdin="pipe") as process,
        pytest.raises(InvalidValueError, match="invalid signal"),
    ):
        process.signal(number)


def test_a_terminal_has_a_size(container: Container) -> None:
    with container.start(["tty"], stdin="pipe", tty=True) as process:
        assert process.stdout is not None
        assert process.stderr is None
        process.resize(24, 80)
        assert process.stdout.read1() == b"24x80\n"


def test_a_process_without_a_terminal_cannot_be_resized(container: Container) -> None:
    with container.start(["cat"], stdin="pipe") as process:
        with pytest.raises(InvalidValueError) as caught:
            process.resize(24, 80)
        assert caught.value.hint == "start it with tty=True"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stdin": b"x", "tty": True}, "invalid stdin: a terminal takes no bytes"),
        ({"stdin": io.BytesIO()}, "invalid stdin "),
        ({"stdin": "text"}, "invalid stdin 'text'"),
        ({"stdout": "pip"}, "invalid stdout 'pip': expected pipe, discard, or a binary file"),
        ({"stderr": io.StringIO()}, "invalid stderr: expected a binary file, got a text file"),
    ],
)
def test_invalid_files_are_refused(
    container: Container, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        container.start(["cat"], **options)
    assert caught.value.message.startswith(message)


def test_run_refuses_a_pipe_as_input(container: Container) -> None:
    with pytest.raises(InvalidValueError) as caught:
        container.run(["cat"], stdin="pipe")
    assert caught.value.message == "invalid stdin 'pipe': run() cannot write to it"


def test_input_that_cannot_be_read_ends_the_process(container: Container, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:

        class Folder:
            def fileno(self) -> int:
                return folder

        with pytest.raises(Exception, match="cannot read the input of process 'cat': Is a dir"):
            container.run(["cat"], stdin=Folder())
    finally:
        os.close(folder)


def test_a_missing_secret_is_an_error_before_the_process_starts(
    container: Container, daemon: FakeContainers
) -> None:
    container.run(["cat"], stdin=b"", secrets=[secret("token", env="TOKEN")])
    assert [(variable.ID, variable.name) for variable in daemon.inits[-1].secretenv] == [
        ("token", "TOKEN")
    ]
    with pytest.raises(RemoteError, match="secret none: not found"):
        container.run(["cat"], secrets=[secret("none", env="TOKEN")])


def test_files_of_a_container_are_read(container: Container) -> None:
    assert container.read_file("/etc/name") == b"value"
    assert container.stat_file("/etc/name").size == 5
    assert [file.path for file in container.read_dir("/")] == ["etc/name"]
    with pytest.raises(RemoteError) as caught:
        container.read_file("/none")
    assert is_not_found(caught.value)


@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("size", [0, RANGE - 1, RANGE, RANGE + 1, 2 * RANGE - 64])
def test_a_file_of_a_container_is_read_with_and_without_ranges(size: int, *, ranges: bool) -> None:
    content = bytes(size)
    daemon = FakeContainers({"/large": content}, ranges=ranges)
    with offered(daemon) as channel, Gateway(channel).new_container(Ref("root")) as container:
        assert container.read_file("/large") == content


def test_a_container_is_released_once(gateway: Gateway, daemon: FakeContainers) -> None:
    with gateway.new_container(Ref("root")) as container:
        container.run(["cat"], stdin=b"")
    container.release()
    assert daemon.released == [container.id]
    with pytest.raises(InvalidValueError, match="the container was released"):
        container.run(["cat"])


def test_an_error_in_a_container_releases_it(gateway: Gateway, daemon: FakeContainers) -> None:
    def work() -> None:
        with gateway.new_container(Ref("root"), init=["cat"]):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        work()
    assert len(daemon.released) == 1
