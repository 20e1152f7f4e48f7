"""Without a private daemon, the BuildKit of Docker is the last place."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from llb.client.daemon import fallback
from llb.errors import ConnectError

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = (
    "no BuildKit found: no address is given, no default socket answers, and buildkitd is not on "
    "PATH; Docker offers none either: "
)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without programs, and with a socket for Docker that nobody listens on."""
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def answer(folder: Path, head: bytes) -> None:
    """Answer one request at Docker's socket, on a thread."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "docker.sock"))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(head)

    threading.Thread(target=serve).start()


def test_a_docker_with_a_buildkit_is_the_last_place(
    machine: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer(machine, b"HTTP/1.1 101 UPGRADED\r\n\r\n")
    with caplog.at_level("INFO", "llb"):
        assert fallback.address() == "docker://"
    assert caplog.messages == ["using the BuildKit of Docker, because there is no other"]


def test_a_docker_without_a_buildkit_is_not_used(machine: Path) -> None:
    answer(machine, b"HTTP/1.1 404 Not Found\r\n\r\n")
    with pytest.raises(ConnectError) as caught:
        fallback.address()
    host = f"unix://{machine}/docker.sock"
    assert caught.value.message == f"{NOTHING}{host}: it offers no BuildKit: 404 Not Found"


def test_a_machine_without_docker_has_the_error_of_the_private_daemon(machine: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        fallback.address()
    host = f"unix://{machine}/docker.sock"
    assert caught.value.message == f"{NOTHING}{host}: No such file or directory"
    assert caught.value.hint is not None
    assert "install buildkitd and runc" in caught.value.hint


def test_a_system_without_a_private_daemon_has_that_of_docker(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.client.daemon.private._IS_POSSIBLE", False)
    with pytest.raises(ConnectError) as caught:
        fallback.address()
    assert caught.value.message == (
        "no BuildKit found: no address is given, and no default socket answers; "
        f"Docker offers none either: unix://{machine}/docker.sock: No such file or directory"
    )
    assert caught.value.hint is not None
    assert "buildkitd" not in caught.value.hint
    assert not (machine / "cache").exists()
    answer(machine, b"HTTP/1.1 101 UPGRADED\r\n\r\n")
    assert fallback.address() == "docker://"


def test_a_missing_context_of_docker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "nobody")
    with pytest.raises(ConnectError, match="either: docker has no context 'nobody'"):
        fallback.address()


def test_a_private_daemon_that_does_not_start_is_not_replaced(machine: Path) -> None:
    (machine / "buildkitd").write_text("#!/bin/sh\necho broken\nexit 1\n")
    (machine / "buildkitd").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(machine / "docker.sock"))
        listener.listen()
        listener.setblocking(False)
        with pytest.raises(ConnectError) as caught:
            fallback.address()
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "Docker" not in caught.value.message
