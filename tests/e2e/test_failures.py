"""Invalid input and faults: one clear error, exit status 1, no partial output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch, resolve_images
from llb.client import Client, Event, VertexLog, local
from llb.errors import CancelledError, InputError, SolveError, TransportError
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

BUSYBOX = Image("busybox")
# A step that runs until it is killed.
ENDLESS = "tail -f /dev/null"
SLEEPER = "from llb import Image, main\nmain(Image('busybox').run('echo begun; {} # {}'))\n"


def cli(
    *arguments: str | Path, address: str | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    address_options = ["--addr", address] if address else []
    return subprocess.run(
        [sys.executable, "-m", "llb", *arguments, *address_options],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def check_error(process: subprocess.CompletedProcess[str], message: str) -> None:
    assert process.returncode == 1
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout == ""


@pytest.mark.feature("O12")
def test_a_failing_step_shows_exit_code_log_and_line(buildkit_host: str, tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from llb import Image, main\n\n"
        "base = Image('busybox')\n"
        "main(base.run('echo one; echo two; exit 7', name='the step'))\n"
    )
    process = cli("build", script, "-o", tmp_path / "out", address=buildkit_host)
    check_error(process, "exit code: 7")
    assert process.stderr.endswith(
        "  | one\n  | two\n"
        "2 |\n3 |     base = Image('busybox')\n"
        "4 | >>> main(base.run('echo one; echo two; exit 7', name='the step'))\n"
        'error: build.py:4: process "/bin/sh -c echo one; echo two; exit 7" did not complete '
        "successfully: exit code: 7\n"
    )
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["build.py"]


@pytest.mark.feature("O12")
def test_the_line_of_a_step_is_shown_and_not_its_callers(
    buildkit_host: str, tmp_path: Path
) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from llb import Image, main\n\n"
        "def fail(base):\n    return base.run('exit 7')\n\n"
        "main(fail(Image('busybox')))\n"
    )
    process = cli("build", script, address=buildkit_host)
    check_error(process, "error: build.py:4: process ")
    assert "4 | >>>     return base.run('exit 7')\n" in process.stderr


@pytest.mark.feature("O12")
def test_a_failure_has_its_details_as_attributes(buildkit_host: str) -> None:
    state = BUSYBOX.run("echo one; exit 7", name="the step", ignore_cache=True)
    with Client(buildkit_host) as client:
        with pytest.raises(SolveError) as caught:
            client.solve(state)
        resolved = resolve_images(state, client)
    error = caught.value
    assert (error.step, error.exit_code, error.log) == ("the step", 7, ("one",))
    assert error.vertex == resolved.marshal().head
    assert error.span is not None
    assert error.span.filename == "tests/e2e/test_failures.py"


@pytest.mark.feature("O12")
def test_too_many_layers_have_a_short_error_with_a_hint(buildkit_host: str) -> None:
    # The snapshots of a daemon that has made many have long names, so that fewer of them fit.
    state = Scratch()
    for number in range(550):
        state = state.mkfile(f"/{number}", "")
    with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
        client.solve(state)
    assert len(caught.value.message) < 500
    assert caught.value.hint == (
        "too many steps that write files follow each other: write them in one step, for example "
        "with llb.files()"
    )


@pytest.mark.feature("P13")
def test_a_missing_daemon_is_an_error(tmp_path: Path) -> None:
    process = cli("info", address=f"unix://{tmp_path}/nobody.sock")
    check_error(process, f"no BuildKit answers at unix://{tmp_path}/nobody.sock")
    assert "hint: " in process.stderr


def test_an_invalid_address_is_refused() -> None:
    check_error(cli("info", address="http://x"), "expected one that begins with unix://, tcp://, ")


@pytest.mark.feature("Q7")
def test_a_missing_context_directory_is_named(buildkit_host: str, tmp_path: Path) -> None:
    with Client(buildkit_host) as client, pytest.raises(InputError) as caught:
        client.solve(Local("context"), local_dirs={"context": tmp_path / "none"})
    assert caught.value.message == (
        f"cannot use {tmp_path / 'none'} as the local directory 'context': it does not exist"
    )


def test_a_misspelled_local_directory_gets_a_hint(buildkit_host: str, tmp_path: Path) -> None:
    with Client(buildkit_host) as client, pytest.raises(InputError) as caught:
        client.solve(Local("contxt"), local_dirs={"context": tmp_path})
    assert caught.value.hint == "did you mean context?"


@pytest.mark.feature("Q7")
def test_an_unreadable_file_is_named(buildkit_host: str, tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text("from llb import Local, main\nmain(Local('context', shared_key='unread'))\n")
    context = tmp_path / "context"
    context.mkdir()
    (context / "secret").write_text("x")
    (context / "secret").chmod(0)
    process = subprocess.run(
        [
            # Root can read every file unless it lacks this capability.
            *("setpriv", "--bounding-set", "-dac_override,-dac_read_search"),
            *(sys.executable, "-m", "llb", "build", script, "--local", f"context={context}"),
            *("--addr", buildkit_host),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    check_error(process, f"cannot read {context}/secret: Permission denied")


@pytest.mark.feature("Q7")
def test_an_image_that_does_not_exist_is_named(buildkit_host: str, registry: str) -> None:
    with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
        client.solve(Image(f"{registry}/no/such:image"))
    assert f"{registry}/no/such:image: not found" in caught.value.message


def test_a_script_that_fails_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text("raise SystemExit(3)\n")
    check_error(cli("build", script), "failed with exit status 3")


def test_a_mistake_in_a_script_is_reported_at_its_line(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text("from llb import Image, main\n\nmain(Image('Not//a/reference'))\n")
    process = cli("build", script)
    check_error(process, f"error: {script}:3: invalid reference 'Not//a/reference'")
    assert "3 | >>> main(Image('Not//a/reference'))\n" in process.stderr


def test_any_other_exception_shows_only_the_traceback_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text("def half():\n    return 1 / 0\n\nhalf()\n")
    process = cli("build", script)
    assert process.returncode == 1
    assert process.stderr == (
        "Traceback (most recent call last):\n"
        f'  File "{script}", line 4, in <module>\n    half()\n'
        f'  File "{script}", line 2, in half\n    return 1 / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_a_script_that_prints_nothing_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text("x = 1\n")
    process = cli("build", script)
    check_error(process, "printed no definition")
    assert "end a script with llb.main(state)" in process.stderr


def test_an_invalid_definition_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pb").write_bytes(b"\xff\xff")
    check_error(cli("build", tmp_path / "x.pb"), "invalid LLB definition")


@pytest.mark.feature("P13")
@pytest.mark.parametrize(
    "arguments",
    [["build", "--no-such-option"], ["no-such-command"], ["build", "--local", "context"]],
)
def test_a_usage_error_exits_with_2(arguments: list[str]) -> None:
    process = cli(*arguments)
    assert process.returncode == 2
    assert "Traceback" not in process.stderr


def test_an_invalid_output_is_refused_before_the_build(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with Client(buildkit_host) as client, pytest.raises(InputError, match="it is not a directory"):
        client.solve(Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "file")])
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.feature("K7")
def test_a_deadline_cancels_the_build(buildkit_host: str, tmp_path: Path) -> None:
    mark = f"deadline {uuid.uuid4()}"
    state = BUSYBOX.run(f"{ENDLESS} # {mark}")
    start = time.monotonic()
    with Client(buildkit_host) as client, pytest.raises(CancelledError, match="the deadline pass"):
        client.solve(state, exports=[local(tmp_path / "out")], timeout=2)
    assert 2 <= time.monotonic() - start < PATIENCE
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not find_processes(mark))


def begin_long_build(address: str, folder: Path, mark: str) -> subprocess.Popen[str]:
    """Start a build that does not end by itself, and wait until its step runs.

    The command of the step contains ``mark``, which must be unique. A daemon runs a step that two
    builds share only once, and continues it when one of them is cancelled.
    """
    script = folder / "build.py"
    script.write_text(SLEEPER.format(ENDLESS, mark))
    running = subprocess.Popen(
        [
            # If the tests run in the background, their child processes ignore interrupts.
            *("env", "--default-signal=INT", sys.executable, "-m", "llb"),
            *("build", script, "-o", folder / "out", "--addr", address),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.endswith(" begun\n"):
            return running
    raise AssertionError("the build did not begin")


@pytest.mark.feature("K8")
def test_an_interrupt_cancels_the_build_on_the_daemon(buildkit_host: str, tmp_path: Path) -> None:
    mark = f"interrupt {uuid.uuid4()}"
    running = begin_long_build(buildkit_host, tmp_path, mark)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert "error: interrupted" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    wait_until(lambda: not find_processes(mark))


@pytest.mark.feature("Q5")
def test_a_daemon_that_dies_is_an_error_within_the_timeout(
    start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    daemon, mark = start_buildkitd(), f"death {uuid.uuid4()}"
    running = begin_long_build(daemon.address, tmp_path, mark)
    (pid,) = find_daemon_processes(daemon)
    os.kill(pid, signal.SIGKILL)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 1
    assert f"error: lost the connection to {daemon.address}" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    kill_all(mark)


@pytest.mark.feature("Q5")
def test_the_api_reports_a_dead_daemon(
    start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    daemon, mark = start_buildkitd(), f"api {uuid.uuid4()}"
    (pid,) = find_daemon_processes(daemon)

    def kill(event: Event) -> None:
        if isinstance(event, VertexLog):
            os.kill(pid, signal.SIGKILL)

    with Client(daemon.address) as client, pytest.raises(TransportError):
        client.solve(
            BUSYBOX.run(f"echo begun; {ENDLESS} # {mark}"),
            exports=[local(tmp_path / "out")],
            on_event=kill,
        )
    assert not (tmp_path / "out").exists()
    kill_all(mark)


def kill_all(mark: str) -> None:
    """Kill the step processes that a dead daemon left running."""
    for step in find_processes(mark):
        with suppress(ProcessLookupError):
            os.kill(step, signal.SIGKILL)


def find_daemon_processes(daemon: Buildctl) -> list[int]:
    folder = daemon.address.removeprefix("unix://").removesuffix("/buildkitd.sock")
    return exclude_children(
        [pid for pid in find_processes(folder) if "buildkitd" in _status(pid, 2)]
    )


def exclude_children(pids: list[int]) -> list[int]:
    """Leave out child processes, which have the name of their parent until they call exec."""
    return [pid for pid in pids if _status(pid, 4) not in map(str, pids)]


def _status(pid: int, field: int) -> str:
    """Read field 2 (name) or 4 (parent) of /proc/PID/stat; "" if the process has ended."""
    try:
        head, _, tail = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return head if field == 2 else tail.split()[field - 3]


def find_processes(pattern: str) -> list[int]:
    """Find the ids of processes, other than this one, whose command line contains ``pattern``."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if pattern in command and " llb " not in command and int(folder.name) != os.getpid():
            pids.append(int(folder.name))
    return pids
