"""Processes in containers of frontends: their files, terminals and signals, and their time."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# A process that ends when its input does, and so waits while that is open.
WAITING = ["cat"]
QUICK = 8.0


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
            upper.check(QUICK)
            writing.check(QUICK)
            return container.run(["cat", "/file"]).stdout

    assert frontend_in(use) == b"ONE\nTWO\n"


class Terminal:
    """Someone before the terminal of a shell."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self._until("% ")

    def ask(self, command: str) -> str:
        """Return what a command shows, without the prompt and the command itself."""
        self.type(command)
        return self._until("% ").partition("\r\n")[2].removesuffix("% ").strip()

    def type(self, text: str) -> None:
        """Type a line."""
        self._input.write(f"{text}\n".encode())

    def _until(self, mark: str) -> str:
        seen = ""
        # The shell asks where its cursor is.
        while not seen.replace("\x1b[6n", "").endswith(mark):
            data = self._output.read1()
            assert data, seen
            seen += data.decode()
        return seen.replace("\x1b[6n", "")


@pytest.mark.feature("K5")
@pytest.mark.parametrize("init", [None, WAITING])
def test_a_shell_has_a_terminal(frontend_in: Callable[..., Any], init: list[str] | None) -> None:
    def use(gateway: Gateway, tree: Ref) -> list[object]:
        with gateway.new_container(tree, init=init) as container:
            process = container.start(["sh"], stdin="pipe", tty=True, env={"PS1": "% "})
            assert process.stderr is None
            shell = Terminal(process)
            process.resize(40, 80)
            seen: list[object] = [shell.ask("stty size; echo $TERM; ls /none")]
            shell.ask("cd /tmp; echo foobar > newfile")
            seen.append(shell.ask("cat /tmp/newfile"))
            process.resize(60, 100)
            seen.append(shell.ask("stty size"))
            shell.type("exit 99")
            seen.append(process.wait(QUICK))
            process.resize(1, 1)
            return seen

    shown = "40 80\r\nxterm\r\nls: /none: No such file or directory"
    assert frontend_in(use) == [shown, "foobar", "60 100", 99]


@pytest.mark.feature("K5")
def test_what_was_typed_ends_with_the_byte_that_says_so(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> bytes:
        with gateway.new_container(tree) as container:
            process = container.start("echo ready; cat; echo end", stdin="pipe", tty=True)
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\r\n"
            process.stdin.write(b"text\n\x04")
            process.check(QUICK)
            return process.stdout.read()

    assert frontend_in(use) == b"text\r\ntext\r\nend\r\n"


@pytest.mark.feature("K5")
def test_only_terminals_have_a_size(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container:
            container.start(["sleep", "30"]).resize(10, 10)

    with pytest.raises(InvalidValueError, match="process 'sleep 30' has no terminal"):
        frontend_in(use)


TRAPPING = "trap 'echo caught; kill $!; exit {code}' {name}; echo ready; sleep 30 & wait"


@pytest.mark.feature("K5")
def test_signals_reach_the_first_process_and_others(frontend_in: Callable[..., Any]) -> None:
    def signalled(container: Container, name: str, number: str | int) -> tuple[int, bytes]:
        process = container.start(TRAPPING.format(name=name, code=0))
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.signal(number)
        code = process.wait(QUICK)
        process.signal("TERM")
        return code, process.stdout.read()

    def use(gateway: Gateway, tree: Ref) -> list[tuple[int, bytes]]:
        with gateway.new_container(tree) as container:
            first = signalled(container, "HUP", "SIGHUP")
        with gateway.new_container(tree, init=WAITING) as container:
            found = [first, signalled(container, "INT", 2), signalled(container, "USR1", "usr1")]
            process = container.start(["sleep", "30"])
            for unknown in ("HOP", 4000):
                with pytest.raises(InvalidValueError, match=f"invalid signal '?{unknown}"):
                    process.signal(unknown)
            process.kill()
            assert process.wait(QUICK) == 137
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
                process.wait(QUICK)
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
                line = container.run(["head", "-n", "1"], stdin=read, timeout=QUICK).stdout
            return whole, line, container.run(["cat"], stdin=b"").stdout

    assert frontend_in(use) == (data, b"line\n", b"")


@pytest.mark.feature("K5")
def test_input_that_cannot_be_read_is_an_error(
    frontend_in: Callable[..., Any], tmp_path: Path
) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        with gateway.new_container(tree) as container, (tmp_path / "x").open("wb") as file:
            container.run(["cat"], stdin=file, timeout=QUICK)

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
            process.check(QUICK)
            container.stat_file("/written")
            return is_not_found(caught.value), size

    assert frontend_in(use) == (True, 100_000_000)


@pytest.mark.feature("K5")
def test_output_goes_to_files(frontend_in: Callable[..., Any], tmp_path: Path) -> None:
    command = "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three"

    def use(gateway: Gateway, tree: Ref) -> list[object]:
        out, err = io.BytesIO(), io.BytesIO()
        with gateway.new_container(tree, init=WAITING) as container:
            done = container.run(command, stdout=out, stderr=err)
            together = container.run(command, stderr="stdout")
            with (tmp_path / "log").open("wb") as file:
                container.run(command, stdout=file, stderr="stdout")
            nothing = container.run(command, stdout="discard", stderr="discard")
            log = (tmp_path / "log").read_bytes()
            with pytest.raises(ProcessError) as caught:
                container.run(f"{command}; false", stdout="discard", stderr="discard")
        return [
            (out.getvalue(), err.getvalue(), done.stdout, done.stderr),
            (together.stdout, together.stderr),
            log,
            (nothing.stdout, nothing.stderr),
            caught.value.log,
        ]

    assert frontend_in(use) == [
        (b"one\nthree\n", b"two\n", b"", b""),
        (b"one\ntwo\nthree\n", b""),
        b"one\ntwo\nthree\n",
        (b"", b""),
        ("two",),
    ]


@pytest.mark.feature("K5")
def test_a_file_that_cannot_be_written_is_an_error(frontend_in: Callable[..., Any]) -> None:
    def use(gateway: Gateway, tree: Ref) -> None:
        ours, theirs = os.pipe()
        os.close(ours)
        with (
            gateway.new_container(tree) as container,
            closing(os.fdopen(theirs, "wb", buffering=0)) as file,
        ):
            container.run(["yes"], stdout=file, timeout=QUICK)

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
                CancelledError, match=r"process 'sleep 30' is still running after 0\.5 s"
            ):
                container.run(["sleep", "30"], timeout=0.5)
            return process.wait(QUICK)

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
            started = pool.map(lambda _: container.start("echo here; exec sleep 30"), range(4))
            outputs = [process.stdout for process in started]
            return [output.readline() for output in outputs if output is not None]

    assert frontend_in(use) == [b"here\n"] * 4
