"""The examples of the pages about connections and registries run."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from llb.client.registry_auth.credentials import to_credentials
from llb.client.registry_auth.docker_config import Login
from tests.e2e.registries import running_strict_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def run(code: str, *replacements: tuple[str, str]) -> dict[str, object]:
    """Run an example, with the hosts and ports that this machine has."""
    for old, new in replacements:
        assert old in code
        code = code.replace(old, new)
    scope: dict[str, object] = {}
    exec(compile(code, "page", "exec"), scope)
    return scope


def test_each_example_has_a_test_here() -> None:
    assert [len(examples(page)) for page in ("registries.md", "connections.md")] == [2, 4]


def test_the_credentials_of_a_build(
    buildkit_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDKIT_HOST", buildkit_host)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("ALICE_PASSWORD", "al1ce-pass")
    with running_strict_registry(tmp_path / "registry", {"alice": "al1ce-pass"}) as host:
        run(examples("registries.md")[0], ("registry.example:5000", host))


def test_the_functions_of_credentials() -> None:
    credentials = to_credentials(run(examples("registries.md")[1])["credentials"])  # type: ignore[arg-type]
    hosts = ("registry-1.docker.io", "registry.example", "other")
    assert [credentials.login(host) for host in hosts] == [
        Login("me", "a password"),
        Login("me", "a short-lived password"),
        Login(),
    ]


@pytest.fixture
def proxy(buildkit_host: str) -> Iterator[int]:
    """The port of an HTTP proxy that connects to the daemon, whatever the host in the request."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(function: Callable[..., None], *arguments: socket.socket) -> None:
        threads.append(threading.Thread(target=function, args=arguments))
        threads[-1].start()

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += client.recv(1)
                assert request.startswith(b"CONNECT builder.example:1234 HTTP/1.1\r\n")
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(buildkit_host.removeprefix("unix://"))
                connections.extend((client, daemon))
                start(copy, client, daemon)
                start(copy, daemon, client)

    start(serve)
    yield listener.getsockname()[1]
    for connection in (listener, *connections):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for connection in (listener, *connections):
        connection.close()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_the_dialer(proxy: int) -> None:
    run(examples("connections.md")[0], ('"proxy.example", 3128', f'"127.0.0.1", {proxy}'))


def test_logging(buildkit_host: str) -> None:
    code = (
        f"{examples('connections.md')[1]}\nfrom llb.client import Client\n"
        f"Client({buildkit_host!r}).close()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == ""
    assert f"INFO:llb.client.connect.calls:connected to {buildkit_host}\n" in process.stderr
    assert "DEBUG:llb.client.connect.calls:call /moby.buildkit.v1.Control/Info, 0 bytes\n" in (
        process.stderr
    )


def test_a_channel_of_grpcio(buildkit_host: str, capsys: pytest.CaptureFixture[str]) -> None:
    client, stub = examples("connections.md")[2:]
    run(
        client,
        ('secure_channel("builder:1234", credentials', f"insecure_channel({buildkit_host!r}"),
        ("grpc.intercept_channel(channel, interceptor)", "channel"),
    )
    with grpc.insecure_channel(buildkit_host) as channel:
        exec(stub, {"channel": channel})
    assert capsys.readouterr().out.startswith("v")
