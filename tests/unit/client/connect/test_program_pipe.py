"""A program serves as a pipe, and ends with it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from llb.client.connect import program_pipe
from llb.client.connect.program_pipe import BuildctlPipe, ProgramPipe
from llb.errors import TransportError
from tests.fakes.scarcity import no_descriptors
from tests.timing import SECONDS, wait_until


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs may take as long to end as they do on a busy machine."""
    monkeypatch.setattr(program_pipe, "_END_SECONDS", SECONDS)


def read_all(pipe: ProgramPipe) -> bytes:
    return b"".join(iter(pipe.read, b""))


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def calls_of(thread: threading.Thread) -> list[str]:
    """List the functions that a thread is in, the innermost first."""
    frame = sys._current_frames().get(thread.ident or 0)
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


def test_cat_returns_what_is_written() -> None:
    pipe = ProgramPipe(["cat"])
    data = bytes(range(256)) * 20_000
    writer = threading.Thread(target=pipe.write, args=(data,))
    writer.start()
    received = b""
    while len(received) < len(data):
        received += pipe.read()
    writer.join()
    pipe.close()
    assert received == data
    assert pipe.read() == b""
    with pytest.raises(TransportError, match="pipe is closed"):
        pipe.write(b"x")
    pipe.close()


def test_a_successful_program_ends_the_stream() -> None:
    pipe = ProgramPipe(["sh", "-c", "echo said"])
    assert read_all(pipe) == b"said\n"
    pipe.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no >&2; echo way >&2; exit 3", "sh ended with exit status 3: no way"),
        ("exit 3", "sh ended with exit status 3"),
        ("kill -9 $$", "sh ended with SIGKILL"),
        ("echo farewell >&2", "sh ended with exit status 0: farewell"),
    ],
)
def test_a_failed_program_is_an_error_of_the_reader(script: str, message: str) -> None:
    pipe = ProgramPipe(["sh", "-c", script])
    with pytest.raises(TransportError) as caught:
        read_all(pipe)
    assert caught.value.message == message
    pipe.close()


def test_a_failed_program_is_an_error_of_the_writer_too() -> None:
    pipe = ProgramPipe(["sh", "-c", "exec <&-; echo why >&2; exit 3"])
    with pytest.raises(TransportError) as caught:
        pipe.write(bytes(2**22))
    assert caught.value.message == "sh ended with exit status 3: why"
    pipe.close()


def test_a_message_on_standard_output_is_the_error() -> None:
    pipe = BuildctlPipe(["sh", "-c", r"printf '\nno\nbuildctl\n'; cat > /dev/null"])
    with pytest.raises(TransportError) as caught:
        pipe.read()
    assert caught.value.message == "sh says: no buildctl"
    pipe.close()


def test_http2_settings_are_passed_on() -> None:
    pipe = BuildctlPipe(["printf", r"\0\0\0\4\0\0\0\0\0and more"])
    assert read_all(pipe) == b"\0\0\0\4\0\0\0\0\0and more"
    pipe.close()


def test_only_the_end_of_the_error_output_is_kept() -> None:
    pipe = ProgramPipe(["sh", "-c", "yes no | head -n 300000 >&2; echo last >&2; exit 1"])
    with pytest.raises(TransportError) as caught:
        read_all(pipe)
    assert caught.value.message.endswith(" no last")
    assert len(caught.value.message) < 5000
    pipe.close()


def test_closing_wakes_a_reader() -> None:
    pipe = ProgramPipe(["cat"])
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read()))
    reader.start()
    wait_until(lambda: "_wait" in calls_of(reader))
    pipe.close()
    reader.join(SECONDS)
    assert received == [b""]


def test_a_stubborn_program_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program_pipe, "_END_SECONDS", 0.2)
    stubborn = "trap '' TERM; sleep 300 & echo $$ $!; while :; do sleep 300; done"
    pipe = ProgramPipe(["sh", "-c", stubborn])
    processes = [int(number) for number in pipe.read().split()]
    assert all(map(is_running, processes))
    pipe.close()
    wait_until(lambda: not any(map(is_running, processes)))


def test_a_program_that_cannot_be_started_leaves_no_descriptors(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - the names are all that matters
    with pytest.raises(TransportError, match="/none is not on PATH"):
        ProgramPipe(["/none"])
    (tmp_path / "text").write_text("x")
    with pytest.raises(TransportError, match="text cannot be started: Permission denied"):
        ProgramPipe([str(tmp_path / "text")])
    with no_descriptors(), pytest.raises(TransportError, match="started: Too many open files"):
        ProgramPipe(["cat"])
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208
