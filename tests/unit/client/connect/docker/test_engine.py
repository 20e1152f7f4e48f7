"""Connections of Docker's API are upgraded, and other responses are refused."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from errno import EACCES, ECONNREFUSED, EIO
from typing import TYPE_CHECKING

import pytest

from llb.client.connect.address import is_docker
from llb.client.connect.docker.contexts import Endpoint
from llb.client.connect.docker.engine import Docker, Engine
from llb.client.connect.docker.errors import AnswerError, dial_error
from llb.errors import TransportError
from tests.fakes.docker_engine import FakeDockerEngine
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.client.connect.docker.engine import Upload

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
    monkeypatch.setattr("llb.client.connect.docker.engine._ANSWER_SECONDS", seconds)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(TransportError, match="it does not answer as Docker does"):
            Docker(Endpoint(f"unix://{tmp_path}/silent")).connect()


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


PONG = answer("200 OK", b"OK", "Api-Version: 1.41")


def test_calls_share_a_connection_and_have_the_version_of_docker(tmp_path: Path) -> None:
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        fake.headers = {"Api-Version": "1.53"}
        fake.answers["/a"] = (200, b'{"b": 1}')
        with Engine(Docker(Endpoint(fake.address))) as engine:
            assert [engine.call("GET", "/a", {"c": "d e"}) for _ in range(2)] == [{"b": 1}] * 2
            assert fake.connections == 1
        # A newer Docker gets the newest version that we know.
        assert fake.targets == ["GET /_ping", "GET /v1.44/a?c=d+e", "GET /v1.44/a?c=d+e"]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b'{"message": "it  broke"}', "it broke"),
        (403, b'{"cause": "podman"}', "podman"),
        (404, b"no such\nimage", "no such image"),
        (502, b"<html>nginx</html>", "502 Bad Gateway"),
        (502, b"", "502 Bad Gateway"),
        (200, b"<html>", "{host}: the answer of /a is not JSON"),
    ],
)
def test_an_answer_that_is_an_error_is_raised(
    status: int, body: bytes, message: str, tmp_path: Path
) -> None:
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        fake.answers["/a"] = (status, body)
        with (
            Engine(Docker(Endpoint(fake.address))) as engine,
            pytest.raises(TransportError) as caught,
        ):
            engine.call("GET", "/a")
    assert caught.value.message == message.format(host=fake.address)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.38", "Docker's API 1.38 is too old: expected 1.39 or later"),
        ("x", "it does not answer as Docker does"),
    ],
)
def test_an_api_that_is_too_old_is_an_error(
    version: str, message: str, answering: Callable[..., Docker]
) -> None:
    docker = answering(answer("200 OK", b"OK", f"Api-Version: {version}"))
    with pytest.raises(TransportError) as caught:
        docker.ping()
    assert caught.value.message == f"{docker.endpoint.host}: {message}"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Api-Version": "1.41"}, "it offers no BuildKit: 404 Not Found"),
        ({"Api-Version": "1.41", "Libpod-Api-Version": "4.3.1"}, "podman has no BuildKit"),
        (
            {"Api-Version": "1.30"},
            "Docker's API 1.30 is too old: expected 1.39 or later",
        ),
    ],
)
def test_an_api_without_a_buildkit_says_what_it_is(
    headers: dict[str, str], reason: str, tmp_path: Path
) -> None:
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        fake.headers = headers
        with pytest.raises(TransportError) as caught:
            Docker(Endpoint(fake.address)).connect()
    assert caught.value.message == f"{fake.address}: {reason}"


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (PermissionError(EACCES, "Permission denied"), "add this user to the group docker"),
        (ConnectionRefusedError(ECONNREFUSED, "Connection refused"), "start Docker"),
        (OSError(EIO, "Input/output error"), None),
    ],
)
def test_a_connection_that_fails_has_a_hint(error: OSError, hint: str | None) -> None:
    failure = TransportError(str(error.strerror))
    failure.__cause__ = error
    translated = dial_error("unix:///x", failure)
    assert translated.message == f"unix:///x: {error.strerror}"
    assert (translated.hint or "").startswith(hint or "")
    assert (translated.hint is None) == (hint is None)


def test_an_answer_that_is_too_large_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.client.connect.docker.engine._LARGEST_ANSWER", 1000)
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        fake.answers["/a"] = (200, b'"%s"' % (b"x" * 2000))
        docker = Docker(Endpoint(fake.address))
        with Engine(docker) as engine, pytest.raises(TransportError, match="more than 16 MiB"):
            engine.call("GET", "/a")
        with Engine(docker) as engine, pytest.raises(TransportError, match="more than 16 MiB"):
            list(engine.messages("/a", {}))


def test_an_upload_is_refused_with_the_words_of_docker(tmp_path: Path) -> None:
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        fake.answers["/images/load"] = (500, b'{"message": "no space"}')
        with Engine(Docker(Endpoint(fake.address))) as engine:
            upload = engine.upload("POST", "/images/load", {}, "application/x-tar")
            with pytest.raises(AnswerError, match="no space"):
                send_for_ever(upload)


def send_for_ever(upload: Upload) -> None:
    """Send until the server closes the connection."""
    while True:
        upload.send(b"x" * 100_000)


def test_a_call_of_a_closed_engine_fails(answering: Callable[..., Docker]) -> None:
    engine = Engine(answering(PONG))
    engine.close()
    with pytest.raises(TransportError):
        engine.call("GET", "/a")


def test_docker_over_ssh_is_the_command_of_dockers_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho no >&2\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(TransportError) as caught:
        Docker(Endpoint("ssh://me@there:22/run/docker.sock")).ping()
    assert caught.value.message == (
        "ssh://me@there:22/run/docker.sock: ssh ended with exit status 255: no"
    )
    assert (tmp_path / "arguments").read_text() == (
        "-l me -p 22 -o ConnectTimeout=30 -T -- there docker --host=unix:///run/docker.sock system "
        "dial-stdio\n"
    )
