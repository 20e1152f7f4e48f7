"""Processes in a frontend's containers: input and output, terminals, signals, timeouts."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any

import pytest

from llb.errors import (
    CancelledError,
    InputError,
    InvalidValueError,
    ProcessError,
    RemoteError,
)
from llb.gateway import (
    Completed,
    Container,
    Gateway,
    Process,
    Ref,
    is_not_found,
)
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# A process that waits until its input is closed.
WAITING = ["cat"]
ENDLESS = ["tail", "-f", "/dev/null"]


@pytest.mark.feature("K5")
def test_a_pipe_joins_two_processes(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> bytes:
        with gateway.new_container(tree, init=WAITING) as container:
            upper = container.start(["tr", "a-z", "A-Z"], stdin="pipe")
            writer = container.start("cat > /file", stdin="pipe")
            assert upper.stdin is not None
            assert upper.stdout is not None
            assert writer.stdin is not None
            for line in (b"one\n", b"two\n"):
                upper.stdin.write(line)
            upper.stdin.close()
            for line in upper.stdout:
                writer.stdin.write(line)
            writer.stdin.close()
            upper.check(PATIENCE)
            writer.check(PATIENCE)
            return container.run(["cat", "/file"]).stdout

    assert run_with_tree(use) == b"ONE\nTWO\n"


class Terminal:
    """A user at the terminal of a shell."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._unread = ""
        self._until("% ")

    def ask(self, command: str) -> str:
        """Run a command and return its output.

        A shell may repeat its prompt when the size changes, but not during a command. The quotes
        in the marks keep them out of the terminal's echo of the command.
        """
        self.type(f"echo be''gin; {command}; echo en''d")
        self._until("begin\r\n")
        return self._until("end\r\n").removesuffix("end\r\n").strip()

    def resize(self, rows: int, columns: int) -> str:
        """Resize the terminal, and return its size as the shell sees it.

        A daemon may apply the new size after the input that follows.
        """
        self._process.resize(rows, columns)
        return self.ask(
            f"until stty size | grep -qx '{rows} {columns}'; do sleep 0.1; done; stty size"
        )

    def type(self, line: str) -> None:
        """Type a line."""
        self._input.write(f"{line}\n".encode())

    def _until(self, mark: str) -> str:
        received = self._unread
        while mark not in received:
            data = self._output.read1()
            assert data, received
            # The shell queries the position of the cursor.
            received = (received + data.decode()).replace("\x1b[6n", "")
        before, _, self._unread = received.partition(mark)
        return before + mark


@pytest.mark.feature("K5")
@pytest.mark.parametrize("init", [None, WAITING])
def test_a_shell_has_a_terminal(run_with_tree: Callable[..., Any], init: list[str] | None) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[object]:
        with gateway.new_container(tree, init=init) as container:
            process = container.start(["sh"], stdin="pipe", tty=True, env={"PS1": "% "})
            assert process.stderr is None
            shell = Terminal(process)
            results: list[object] = [shell.resize(40, 80), shell.ask("echo $TERM; ls /none")]
            shell.ask("cd /tmp; echo foobar > newfile")
            results.append(shell.ask("cat /tmp/newfile"))
            results.append(shell.resize(60, 100))
            shell.type("exit 99")
            results.append(process.wait(PATIENCE))
            process.resize(1, 1)
            return results

    shown = "xterm\r\nls: /none: No such file or directory"
    assert run_with_tree(use) == ["40 80", shown, "foobar", "60 100", 99]


@pytest.mark.feature("K5")
def test_eot_ends_the_input_of_a_terminal(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> bytes:
        with gateway.new_container(tree) as container:
            process = container.start("echo ready; cat; echo end", stdin="pipe", tty=True)
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\r\n"
            process.stdin.write(b"text\n\x04")
            process.check(PATIENCE)
            return process.stdout.read()

    assert run_with_tree(use) == b"text\r\ntext\r\nend\r\n"


@pytest.mark.feature("K5")
def test_only_terminals_have_a_size(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            container.start(ENDLESS).resize(10, 10)

    with pytest.raises(InvalidValueError, match="process 'tail -f /dev/null' has no terminal"):
        run_with_tree(use)


TRAPPING = "trap 'echo caught; kill $!; exit {code}' {name}; tail -f /dev/null & echo ready; wait"


@pytest.mark.feature("K5")
def test_signals_reach_the_first_process_and_others(run_with_tree: Callable[..., Any]) -> None:
    def signal_process(container: Container, name: str, number: str | int) -> tuple[int, bytes]:
        process = container.start(TRAPPING.format(name=name, code=0))
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.signal(number)
        code = process.wait(PATIENCE)
        process.signal("TERM")
        return code, process.stdout.read()

    def use(gateway: Gateway, tree: Ref) -> list[tuple[int, bytes]]:
        with gateway.new_container(tree) as container:
            first = signal_process(container, "HUP", "SIGHUP")
        with gateway.new_container(tree, init=WAITING) as container:
            results = [
                first,
                signal_process(container, "INT", 2),
                signal_process(container, "USR1", "usr1"),
            ]
            process = container.start(ENDLESS)
            for unknown in ("HOP", 4000):
                with pytest.raises(InvalidValueError, match=f"invalid signal '?{unknown}"):
                    process.signal(unknown)
            process.kill()
            assert process.wait(PATIENCE) == 137
        return results

    assert run_with_tree(use) == [(0, b"caught\n")] * 3


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_unread_input_is_not_an_error(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[Completed]:
        with gateway.new_container(tree, init=WAITING) as container:
            data = bytes(4_000_000)
            completed = [container.run(["echo", "done"], stdin=data) for _ in range(3)]
            with container.start("exec 0<&-; echo closed", stdin="pipe") as process:
                assert process.stdin is not None
                process.wait(PATIENCE)
                with pytest.raises(BrokenPipeError):
                    process.stdin.write(b"late")
            return completed

    assert run_with_tree(use) == [Completed(("echo", "done"), 0, b"done\n", b"")] * 3


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_input_comes_from_files_and_os_pipes(
    run_with_tree: Callable[..., Any], tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "data").write_bytes(data)

    def use(gateway: Gateway, tree: Ref) -> tuple[bytes, bytes, bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            with (tmp_path / "data").open("rb") as file:
                content = container.run(["cat"], stdin=file).stdout
            read_fd, write_fd = os.pipe()
            with os.fdopen(read_fd, "rb") as reader, os.fdopen(write_fd, "wb") as writer:
                writer.write(b"line\nmore\n")
                writer.flush()
                # The pipe stays open, but the process needs only its first line.
                line = container.run(["head", "-n", "1"], stdin=reader, timeout=PATIENCE).stdout
            return content, line, container.run(["cat"], stdin=b"").stdout

    assert run_with_tree(use) == (data, b"line\n", b"")


@pytest.mark.feature("K5")
def test_input_that_cannot_be_read_is_an_error(
    run_with_tree: Callable[..., Any], tmp_path: Path
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container, (tmp_path / "x").open("wb") as file:
            container.run(["cat"], stdin=file, timeout=PATIENCE)

    with pytest.raises(InputError, match="cannot read the input of process 'cat': Bad file desc"):
        run_with_tree(use)


@pytest.mark.feature("K5")
def test_large_output_and_errors_are_kept(run_with_tree: Callable[..., Any]) -> None:
    command = "yes err | head -c 9000000 >&2; yes out | head -c 9000000"

    def use(gateway: Gateway, tree: Ref) -> tuple[int, int, bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            completed = container.run(command)
            process = container.start(command)
            assert process.stdout is not None
            # This output comes after all of the error output.
            return len(completed.stdout), len(completed.stderr), process.stdout.read(8)

    assert run_with_tree(use) == (9_000_000, 9_000_000, b"out\nout\n")


@pytest.mark.feature("K5")
def test_unread_output_blocks_the_process(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> tuple[bool, int]:
        with gateway.new_container(tree) as container:
            process = container.start("head -c 100000000 /dev/zero; touch /written")
            assert process.stdout is not None
            time.sleep(2)
            with pytest.raises(RemoteError) as caught:
                container.stat_file("/written")
            size = 0
            while data := process.stdout.read1(1 << 20):
                size += len(data)
            process.check(PATIENCE)
            container.stat_file("/written")
            return is_not_found(caught.value), size

    assert run_with_tree(use) == (True, 100_000_000)


class PromptingFile:
    """A file that acknowledges each line of the process with a line to its input."""

    def __init__(self, file: IO[bytes], prompt_fd: int) -> None:
        self._file = file
        self._prompt_fd = prompt_fd

    def write(self, data: bytes) -> int:
        size = self._file.write(data)
        os.write(self._prompt_fd, b"\n" * data.count(b"\n"))
        return size

    def flush(self) -> None:
        self._file.flush()


def write_in_turn(container: Container, out: IO[bytes], err: IO[bytes] | None) -> Completed:
    """Run a process that waits after each line until the line has arrived.

    Without these waits, the order of the two streams is undefined. Without ``err``, both streams
    go to ``out``.
    """
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, "rb") as acknowledgements, os.fdopen(write_fd, "wb") as writer:
        return container.run(
            "echo one; read go; echo two >&2; read go; echo three",
            stdin=acknowledgements,
            stdout=PromptingFile(out, writer.fileno()),
            stderr="stdout" if err is None else PromptingFile(err, writer.fileno()),
            timeout=PATIENCE,
        )


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_output_goes_to_files(run_with_tree: Callable[..., Any], tmp_path: Path) -> None:
    command = "echo one; echo two >&2; echo three"

    def use(gateway: Gateway, tree: Ref) -> list[object]:
        out, err = io.BytesIO(), io.BytesIO()
        with gateway.new_container(tree, init=WAITING) as container:
            completed = write_in_turn(container, out, err)
            with (tmp_path / "log").open("wb") as file:
                write_in_turn(container, file, None)
            merged = container.run(command, stderr="stdout")
            discarded = container.run(command, stdout="discard", stderr="discard")
            log = (tmp_path / "log").read_bytes()
            with pytest.raises(ProcessError) as caught:
                container.run(f"{command}; false", stdout="discard", stderr="discard")
        return [
            (out.getvalue(), err.getvalue(), completed.stdout, completed.stderr),
            log,
            (sorted(merged.stdout.split()), merged.stderr),
            (discarded.stdout, discarded.stderr),
            caught.value.log,
        ]

    assert run_with_tree(use) == [
        (b"one\nthree\n", b"two\n", b"", b""),
        b"one\ntwo\nthree\n",
        ([b"one", b"three", b"two"], b""),
        (b"", b""),
        ("two",),
    ]


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_stdout_and_stderr_share_one_pipe(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        command = "echo one; read go; echo two >&2; read go; echo three"
        with (
            gateway.new_container(tree) as container,
            container.start(command, stdin="pipe", stderr="stdout") as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if len(lines) < 3:
                    process.stdin.write(b"\n")
            return lines

    assert run_with_tree(use) == [b"one\n", b"two\n", b"three\n"]


@pytest.mark.feature("K5")
def test_a_file_that_cannot_be_written_is_an_error(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        read_fd, write_fd = os.pipe()
        os.close(read_fd)
        with (
            gateway.new_container(tree) as container,
            closing(os.fdopen(write_fd, "wb", buffering=0)) as file,
        ):
            container.run(["yes"], stdout=file, timeout=PATIENCE)

    with pytest.raises(BrokenPipeError):
        run_with_tree(use)


@pytest.mark.feature("K5")
@pytest.mark.since("v0.32.2", "the exit of a process that does not read its input", run=False)
def test_a_timeout_is_an_error(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> int:
        with gateway.new_container(tree, init=WAITING) as container:
            process = container.start(["cat"], stdin="pipe")
            with pytest.raises(
                CancelledError, match=r"process 'cat' is still running after 0\.1 s"
            ):
                process.wait(0.1)
            assert not process.is_over
            with pytest.raises(
                CancelledError,
                match=r"process 'tail -f /dev/null' is still running after 0\.5 s",
            ):
                container.run(ENDLESS, timeout=0.5)
            return process.wait(PATIENCE)

    assert run_with_tree(use) == 137


@pytest.mark.feature("K5")
def test_processes_run_concurrently(run_with_tree: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        with gateway.new_container(tree) as container, ThreadPoolExecutor(8) as pool:
            waiting = container.start(["cat"], stdin="pipe")
            inputs = [str(number).encode() * 100_000 for number in range(8)]
            pool_outputs = pool.map(lambda data: container.run(["cat"], stdin=data).stdout, inputs)
            assert list(pool_outputs) == inputs
            assert not waiting.is_over
        with gateway.new_container(tree) as container, ThreadPoolExecutor(4) as pool:
            # Any of these may be the first process, which must be running when the others start.
            processes = pool.map(
                lambda _: container.start("echo here; exec tail -f /dev/null"), range(4)
            )
            outputs = [process.stdout for process in processes]
            return [output.readline() for output in outputs if output is not None]

    assert run_with_tree(use) == [b"here\n"] * 4
