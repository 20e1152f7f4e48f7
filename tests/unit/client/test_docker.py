"""Docker is looked for where its CLI looks, and only an upgraded connection is used."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from llb.client import TLS
from llb.client.address import is_docker
from llb.client.docker_contexts import Endpoint, find_endpoint
from llb.client.docker_engine import Docker
from llb.errors import InputError, InvalidValueError, TransportError
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def write_context(folder: Path, name: str, content: object) -> Path:
    """Write what Docker's CLI writes for a context; return the folder for its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / "contexts" / "tls" / key / "docker"


def at(host: str, **more: object) -> dict[str, object]:
    return {"Endpoints": {"docker": {"Host": host, **more}}}


def test_the_socket_of_docker_is_known_by_its_name() -> None:
    known = ["docker://", "docker://x", "unix:///var/run/docker.sock", "unix://docker.sock"]
    assert [is_docker(each) for each in known] == [True] * 4
    others = ["unix:///run/buildkit/buildkitd.sock", "docker-container://x", "tcp://docker.sock:1"]
    assert [is_docker(each) for each in others] == [False] * 3


@pytest.mark.feature("J6")
@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        ("docker://", {}, "unix:///of-config"),
        ("docker://", {"DOCKER_CONTEXT": "second"}, "unix:///of-second"),
        ("docker://", {"DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock"),
        ("docker://", {"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "second"}, "tcp://h:1"),
        ("docker://second", {"DOCKER_HOST": "tcp://h:1"}, "unix:///of-second"),
        ("docker://default", {"DOCKER_HOST": "tcp://h:1"}, "tcp://h:1"),
        ("docker://default", {}, "unix:///var/run/docker.sock"),
        ("unix:///x/docker.sock", {"DOCKER_HOST": "tcp://h:1"}, "unix:///x/docker.sock"),
    ],
)
def test_the_order_is_that_of_docker(
    address: str, environ: Mapping[str, str], expected: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "first"}')
    write_context(tmp_path, "first", at("unix:///of-config"))
    write_context(tmp_path, "second", at("unix:///of-second"))
    found = find_endpoint(address, {"DOCKER_CONFIG": str(tmp_path), **environ})
    assert found == Endpoint(expected)


def test_certificates_come_with_a_context_or_by_variables(tmp_path: Path) -> None:
    folder = write_context(tmp_path, "safe", at("tcp://h:1"))
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("x")
    files = TLS(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    config = {"DOCKER_CONFIG": str(tmp_path)}
    assert find_endpoint("docker://safe", config) == Endpoint("tcp://h:1", files)
    verified = {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", **config}
    given = {"DOCKER_CERT_PATH": str(folder), **verified}
    assert find_endpoint("docker://", given) == Endpoint("tcp://h:1", files)
    (tmp_path / "ca.pem").write_text("x")
    expected = Endpoint("tcp://h:1", TLS(tmp_path / "ca.pem"))
    assert find_endpoint("docker://", verified) == expected
    local = {**verified, "DOCKER_HOST": "unix:///x"}
    assert find_endpoint("docker://", local) == Endpoint("unix:///x")


@pytest.mark.parametrize("content", ["not json", "[]", {}, {"Endpoints": {}}, {"Endpoints": None}])
def test_a_context_that_says_nothing_is_an_error(content: object, tmp_path: Path) -> None:
    write_context(tmp_path, "x", content)
    with pytest.raises(InputError, match=r"meta\.json does not say where docker's context 'x' is"):
        find_endpoint("docker://x", {"DOCKER_CONFIG": str(tmp_path)})


def test_a_context_that_trusts_everybody_is_refused(tmp_path: Path) -> None:
    write_context(tmp_path, "x", at("tcp://h:1", SkipTLSVerify=True))
    with pytest.raises(InputError, match="'x' trusts any certificate, which is not supported"):
        find_endpoint("docker://x", {"DOCKER_CONFIG": str(tmp_path)})


def test_a_context_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    config = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(InputError, match="docker has no context 'x'"):
        find_endpoint("docker://x", config)
    with pytest.raises(InvalidValueError, match=r"expected docker://\[CONTEXT\]"):
        find_endpoint("docker://x/y", config)


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
    monkeypatch.setattr("llb.client.docker_engine._ANSWER_SECONDS", seconds)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with pytest.raises(TransportError, match="it does not answer as Docker does"):
            Docker(Endpoint(f"unix://{tmp_path}/silent")).connect()
