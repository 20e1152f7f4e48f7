"""Docker is looked for where its CLI looks, and only an upgraded connection is used."""

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


def test_the_socket_of_docker_is_known_by_its_name() -> None:
    known = ["docker://", "docker://x", "unix:///var/run/docker.sock", "unix://docker.sock"]
    assert [is_docker(each) for each in known] == [True] * 4
    others = ["unix:///run/buildkit/buildkitd.sock", "docker-container://x", "tcp://docker.sock:1"]
    assert [is_docker(each) for each in others] == [False] * 3


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[..., Docker]]:
    """Make a Docker that answers with given pieces, and keeps what it is asked in `asked`."""
    running: list[tuple[threading.Thread, socket.socket]] = []

    def make(*pieces: bytes) -> Docker:
        path = tmp_path / f"{len(running)}.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            # Who has heard enough leaves.
            with connection, suppress(BrokenPipeError, ConnectionResetError):
                asked = connection.recv(10_000)
                (tmp_path / "asked").write_bytes(asked)
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


def test_an_upgrade_is_asked_for_with_the_headers_of_a_session(
    answering: Callable[..., Docker], tmp_path: Path
) -> None:
    pipe = answering(UPGRADED).open_session([("x-session-uuid", "1"), ("x-method", "/a/B")])
    pipe.close()
    assert (tmp_path / "asked").read_bytes() == (
        b"POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: 0\r\nx-session-uuid: 1\r\nx-method: /a/B\r\n\r\n"
    )


@pytest.mark.parametrize("cut", range(0, len(UPGRADED), 7))
def test_an_answer_may_come_in_any_pieces_and_with_what_follows(
    cut: int, answering: Callable[..., Docker]
) -> None:
    pipe = answering(UPGRADED[:cut], UPGRADED[cut:] + b"first", b"second").connect()
    found = b""
    while data := pipe.read():
        found += data
    pipe.close()
    assert found == b"firstsecond"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), "it does not answer as Docker does"),
        ((UPGRADED[:30],), "it does not answer as Docker does"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "it does not answer as Docker does"),
        ((b"x" * 100_000,), "it does not answer as Docker does"),
        ((b"HTTP/1.1 403 Forbidden\r\n\r\n",), "it has no BuildKit for us: 403 Forbidden"),
    ],
)
def test_any_other_answer_is_an_error(
    pieces: tuple[bytes, ...], reason: str, answering: Callable[..., Docker]
) -> None:
    docker = answering(*pieces)
    with pytest.raises(TransportError) as caught:
        docker.connect()
    assert caught.value.message == f"{docker.endpoint.host}: {reason}"


# The time may be over before it is asked, on a machine that is busy.
@pytest.mark.parametrize("seconds", [0.2, 0])
def test_a_docker_that_says_nothing_is_left(
    seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("llb.client.connect.docker_engine._ANSWER_SECONDS", seconds)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(TransportError, match="it does not answer as Docker does"):
            Docker(Endpoint(f"unix://{tmp_path}/silent")).connect()
