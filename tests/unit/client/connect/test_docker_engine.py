"""Connections of Docker's API are upgraded, and other responses are refused."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from llb.client.connect.address import is_docker
from llb.client.connect.docker_contexts import Endpoint
from llb.client.connect.docker_engine import Docker
from llb.errors import TransportError
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def test_a_docker_socket_is_recognized_by_its_name() -> None:
    docker_addresses = [
        "docker://",
        "docker://x",
        "unix:///var/run/docker.sock",
        "unix://docker.sock",
    ]
    assert [is_docker(address) for address in docker_addresses] == [True] * 4
    other_addresses = [
        "unix:///run/buildkit/buildkitd.sock",
        "docker-container://x",
        "tcp://docker.sock:1",
    ]
    assert [is_docker(address) for address in other_addresses] == [False] * 3


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[..., Docker]]:
    """Start a Docker that answers with these pieces, and saves the request as `request`."""
    running: list[tuple[threading.Thread, socket.socket]] = []

    def make(*pieces: bytes) -> Docker:
        path = tmp_path / f"{len(running)}.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            # The client may disconnect early.
            with connection, suppress(BrokenPipeError, ConnectionResetError):
                request = connection.recv(10_000)
                (tmp_path / "request").write_bytes(request)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=answer)
        thread.start()
        running.append((thread, listening))
        return Docker(Endpoint(f"unix://{path}"))

    yield make
    for thread, listening in running:
        thread.join(SECONDS)
        listening.close()


def test_an_upgrade_is_requested_with_the_session_headers(
    answering: Callable[..., Docker], tmp_path: Path
) -> None:
    pipe = answering(UPGRADED).open_session([("x-session-uuid", "1"), ("x-method", "/a/B")])
    pipe.close()
    assert (tmp_path / "request").read_bytes() == (
        b"POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: 0\r\nx-session-uuid: 1\r\nx-method: /a/B\r\n\r\n"
    )


@pytest.mark.parametrize("cut", range(0, len(UPGRADED), 7))
def test_a_response_may_come_in_pieces_together_with_data(
    cut: int, answering: Callable[..., Docker]
) -> None:
    pipe = answering(UPGRADED[:cut], UPGRADED[cut:] + b"first", b"second").connect()
    received = b""
    while data := pipe.read():
        received += data
    pipe.close()
    assert received == b"firstsecond"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), "it does not answer as Docker does"),
        ((UPGRADED[:30],), "it does not answer as Docker does"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "it does not answer as Docker does"),
        ((b"x" * 100_000,), "it does not answer as Docker does"),
        ((b"HTTP/1.1 403 Forbidden\r\n\r\n",), "it offers no BuildKit: 403 Forbidden"),
    ],
)
def test_any_other_response_is_an_error(
    pieces: tuple[bytes, ...], reason: str, answering: Callable[..., Docker]
) -> None:
    docker = answering(*pieces)
    with pytest.raises(TransportError) as caught:
        docker.connect()
    assert caught.value.message == f"{docker.endpoint.host}: {reason}"


# On a busy machine, the timeout may expire before the request is sent.
@pytest.mark.parametrize("seconds", [0.2, 0])
def test_a_silent_docker_is_abandoned(
    seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("llb.client.connect.docker_engine._ANSWER_SECONDS", seconds)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(TransportError, match="it does not answer as Docker does"):
            Docker(Endpoint(f"unix://{tmp_path}/silent")).connect()
