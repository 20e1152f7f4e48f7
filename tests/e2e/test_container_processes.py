"""Processes in containers of frontends: their files, terminals and signals, and their time."""

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


# A process that ends when its input does, and so waits while that is open.
WAITING = ["cat"]
ENDLESS = ["tail", "-f", "/dev/null"]


@pytest.mark.feature("K5")
def test_processes_are_joined_by_pipes(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> bytes:
        with gateway.new_container(tree, init=WAITING) as container:
            upper = container.start(["tr", "a-z", "A-Z"], stdin="pipe")
            writing = container.start("cat > /file", stdin="pipe")
            assert upper.stdin is not None
            assert upper.stdout is not None
            assert writing.stdin is not None
            for line in (b"one\n", b"two\n"):
                upper.stdin.write(line)
            upper.stdin.close()
            for line in upper.stdout:
                writing.stdin.write(line)
            writing.stdin.close()
            upper.check(PATIENCE)
            writing.check(PATIENCE)
            return container.run(["cat", "/file"]).stdout

    assert frontend_in(use) == b"ONE\nTWO\n"


class Terminal:
    """Someone before the terminal of a shell."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._unread = ""
        self._until("% ")

    def ask(self, command: str) -> str:
        """Return what a command shows.

        A shell may repeat its prompt when the size changes, but not during commands. The marks
        are quoted, so that the terminal's echo of the command does not contain them.
        """
        self.type(f"echo be''gin; {command}; echo en''d")
        self._until("begin\r\n")
        return self._until("end\r\n").removesuffix("end\r\n").strip()

    def resize(self, rows: int, columns: int) -> str:
        """Change the size, and return it as the shell sees it.

        A daemon may apply it after the input that follows.
        """
        self._process.resize(rows, columns)
        return self.ask(
            f"until stty size | grep -qx '{rows} {columns}'; do sleep 0.1; done; stty size"
        )

    def type(self, text: str) -> None:
        """Type a line."""
        self._input.write(f"{text}\n".encode())

    def _until(self, mark: str) -> str:
        seen = self._unread
        while mark not in seen:
            data = self._output.read1()
            assert data, seen
            # The shell asks where its cursor is.
            seen = (seen + data.decode()).replace("\x1b[6n", "")
        before, _, self._unread = seen.partition(mark)
        return before + mark


@pytest.mark.feature("K5")
@pytest.mark.parametrize("init", [None, WAITING])
def test_a_shell_has_a_terminal(frontend_in: Callable[..., Any], init: list[str] | None) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[object]:
        with gateway.new_container(tree, init=init) as container:
            process = container.start(["sh"], stdin="pipe", tty=True, env={"PS1": "% "})
            assert process.stderr is None
            shell = Terminal(process)
            seen: list[object] = [shell.resize(40, 80), shell.ask("echo $TERM; ls /none")]
            shell.ask("cd /tmp; echo foobar > newfile")
            seen.append(shell.ask("cat /tmp/newfile"))
            seen.append(shell.resize(60, 100))
            shell.type("exit 99")
            seen.append(process.wait(PATIENCE))
            process.resize(1, 1)
            return seen

    shown = "xterm\r\nls: /none: No such file or directory"
    assert frontend_in(use) == ["40 80", shown, "foobar", "60 100", 99]


@pytest.mark.feature("K5")
def test_what_was_typed_ends_with_the_byte_that_says_so(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> bytes:
        with gateway.new_container(tree) as container:
            process = container.start("echo ready; cat; echo end", stdin="pipe", tty=True)
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\r\n"
            process.stdin.write(b"text\n\x04")
            process.check(PATIENCE)
            return process.stdout.read()

    assert frontend_in(use) == b"text\r\ntext\r\nend\r\n"


@pytest.mark.feature("K5")
def test_only_terminals_have_a_size(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            container.start(ENDLESS).resize(10, 10)

    with pytest.raises(InvalidValueError, match="process 'tail -f /dev/null' has no terminal"):
        frontend_in(use)


TRAPPING = "trap 'echo caught; kill $!; exit {code}' {name}; tail -f /dev/null & echo ready; wait"


@pytest.mark.feature("K5")
def test_signals_reach_the_first_process_and_others(frontend_in: Callable[..., Any]) -> None:
    def signalled(container: Container, name: str, number: str | int) -> tuple[int, bytes]:
        process = container.start(TRAPPING.format(name=name, code=0))
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.signal(number)
        code = process.wait(PATIENCE)
        process.signal("TERM")
        return code, process.stdout.read()

    def use(gateway: Gateway, tree: Ref) -> list[tuple[int, bytes]]:
        with gateway.new_container(tree) as container:
            first = signalled(container, "HUP", "SIGHUP")
        with gateway.new_container(tree, init=WAITING) as container:
            found = [first, signalled(container, "INT", 2), signalled(container, "USR1", "usr1")]
            process = container.start(ENDLESS)
            for unknown in ("HOP", 4000):
                with pytest.raises(InvalidValueError, match=f"invalid signal '?{unknown}"):
                    process.signal(unknown)
            process.kill()
            assert process.wait(PATIENCE) == 137
        return found

    assert frontend_in(use) == [(0, b"caught\n")] * 3


@pytest.mark.feature("K5")
def test_input_that_is_not_read_is_no_error(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[Completed]:
        with gateway.new_container(tree, init=WAITING) as container:
            much = bytes(4_000_000)
            done = [container.run(["echo", "done"], stdin=much) for _ in range(3)]
            with container.start("exec 0<&-; echo closed", stdin="pipe") as process:
                assert process.stdin is not None
                process.wait(PATIENCE)
                with pytest.raises(BrokenPipeError):
                    process.stdin.write(b"late")
            return done

    assert frontend_in(use) == [Completed(("echo", "done"), 0, b"done\n", b"")] * 3


@pytest.mark.feature("K5")
def test_input_comes_from_files_and_pipes_of_the_system(
    frontend_in: Callable[..., Any], tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "data").write_bytes(data)

    def use(gateway: Gateway, tree: Ref) -> tuple[bytes, bytes, bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            with (tmp_path / "data").open("rb") as file:
                whole = container.run(["cat"], stdin=file).stdout
            ours, theirs = os.pipe()
            with os.fdopen(ours, "rb") as read, os.fdopen(theirs, "wb") as write:
                write.write(b"line\nmore\n")
                write.flush()
                # It stays open, and the process wants no more than its first line.
                line = container.run(["head", "-n", "1"], stdin=read, timeout=PATIENCE).stdout
            return whole, line, container.run(["cat"], stdin=b"").stdout

    assert frontend_in(use) == (data, b"line\n", b"")


@pytest.mark.feature("K5")
def test_input_that_cannot_be_read_is_an_error(
    frontend_in: Callable[..., Any], tmp_path: Path
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container, (tmp_path / "x").open("wb") as file:
            container.run(["cat"], stdin=file, timeout=PATIENCE)

    with pytest.raises(InputError, match="cannot read the input of process 'cat': Bad file desc"):
        frontend_in(use)


@pytest.mark.feature("K5")
def test_much_output_on_both_sides_is_kept(frontend_in: Callable[..., Any]) -> None:
    command = "yes err | head -c 9000000 >&2; yes out | head -c 9000000"

    def use(gateway: Gateway, tree: Ref) -> tuple[int, int, bytes]:
        with gateway.new_container(tree, init=WAITING) as container:
            done = container.run(command)
            process = container.start(command)
            assert process.stdout is not None
            # It comes after all of the other.
            return len(done.stdout), len(done.stderr), process.stdout.read(8)

    assert frontend_in(use) == (9_000_000, 9_000_000, b"out\nout\n")


@pytest.mark.feature("K5")
def test_output_that_nobody_reads_holds_the_process_back(frontend_in: Callable[..., Any]) -> None:
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

    assert frontend_in(use) == (True, 100_000_000)


class Prompting:
    """A file that sends a line to the process for each line that the process writes."""

    def __init__(self, file: IO[bytes], go_on: int) -> None:
        self._file = file
        self._go_on = go_on

    def write(self, data: bytes) -> int:
        size = self._file.write(data)
        os.write(self._go_on, b"\n" * data.count(b"\n"))
        return size

    def flush(self) -> None:
        self._file.flush()


def write_in_turn(container: Container, out: IO[bytes], err: IO[bytes] | None) -> Completed:
    """Run a process that waits after each line until the line has arrived.

    Otherwise the order of output and errors, which are two streams, is not defined. Without
    ``err`` both go to ``out``.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as go, os.fdopen(theirs, "wb") as typed:
        return container.run(
            "echo one; read go; echo two >&2; read go; echo three",
            stdin=go,
            stdout=Prompting(out, typed.fileno()),
            stderr="stdout" if err is None else Prompting(err, typed.fileno()),
            timeout=PATIENCE,
        )


@pytest.mark.feature("K5")
def test_output_goes_to_files(frontend_in: Callable[..., Any], tmp_path: Path) -> None:
    command = "echo one; echo two >&2; echo three"

    def use(gateway: Gateway, tree: Ref) -> list[object]:
        out, err = io.BytesIO(), io.BytesIO()
        with gateway.new_container(tree, init=WAITING) as container:
            done = write_in_turn(container, out, err)
            with (tmp_path / "log").open("wb") as file:
                write_in_turn(container, file, None)
            together = container.run(command, stderr="stdout")
            nothing = container.run(command, stdout="discard", stderr="discard")
            log = (tmp_path / "log").read_bytes()
            with pytest.raises(ProcessError) as caught:
                container.run(f"{command}; false", stdout="discard", stderr="discard")
        return [
            (out.getvalue(), err.getvalue(), done.stdout, done.stderr),
            log,
            (sorted(together.stdout.split()), together.stderr),
            (nothing.stdout, nothing.stderr),
            caught.value.log,
        ]

    assert frontend_in(use) == [
        (b"one\nthree\n", b"two\n", b"", b""),
        b"one\ntwo\nthree\n",
        ([b"one", b"three", b"two"], b""),
        (b"", b""),
        ("two",),
    ]


@pytest.mark.feature("K5")
def test_output_and_errors_are_read_from_one_pipe(frontend_in: Callable[..., Any]) -> None:
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

    assert frontend_in(use) == [b"one\n", b"two\n", b"three\n"]


@pytest.mark.feature("K5")
def test_a_file_that_cannot_be_written_is_an_error(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        ours, theirs = os.pipe()
        os.close(ours)
        with (
            gateway.new_container(tree) as container,
            closing(os.fdopen(theirs, "wb", buffering=0)) as file,
        ):
            container.run(["yes"], stdout=file, timeout=PATIENCE)

    with pytest.raises(BrokenPipeError):
        frontend_in(use)


@pytest.mark.feature("K5")
def test_time_that_is_over(frontend_in: Callable[..., Any]) -> None:
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

    assert frontend_in(use) == 137


@pytest.mark.feature("K5")
def test_processes_start_and_run_side_by_side(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[bytes]:
        with gateway.new_container(tree) as container, ThreadPoolExecutor(8) as pool:
            keeping = container.start(["cat"], stdin="pipe")
            texts = [str(number).encode() * 100_000 for number in range(8)]
            found = pool.map(lambda text: container.run(["cat"], stdin=text).stdout, texts)
            assert list(found) == texts
            assert not keeping.is_over
        with gateway.new_container(tree) as container, ThreadPoolExecutor(4) as pool:
            # Which of them is the first is not known; it has to be there when the others come.
            started = pool.map(
                lambda _: container.start("echo here; exec tail -f /dev/null"), range(4)
            )
            outputs = [process.stdout for process in started]
            return [output.readline() for output in outputs if output is not None]

    assert frontend_in(use) == [b"here\n"] * 4
