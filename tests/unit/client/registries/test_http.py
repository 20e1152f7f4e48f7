"""Requests over kept connections, through proxies, and to servers that answer early."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from llb.client.registries import http
from llb.client.registries.http import HTTP, Request
from tests.http_server import http_server
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 2**20


@contextmanager
def raw_server(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection for each answer, and close it; yield the URL and the requests."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    received.append(connection.recv(LIMIT))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        finally:
            thread.join()


class Echo(BaseHTTPRequestHandler):
    """Answers with the number of the client's port, which tells connections apart."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = str(self.client_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


def read(client: HTTP, url: str) -> bytes:
    with client.send(Request("GET", url)) as response:
        return response.read(LIMIT)


def test_a_connection_is_kept_after_its_answer_was_read() -> None:
    with http_server(Echo) as url, HTTP(SECONDS) as client:
        assert read(client, url) == read(client, url)


def test_a_connection_with_an_answer_that_was_not_read_is_closed() -> None:
    with http_server(Echo) as url, HTTP(SECONDS) as client:
        first = client.send(Request("GET", url))
        first.close()
        first.close()
        assert len(read(client, url)) > 1


def test_a_connection_that_the_server_closed_is_replaced() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with raw_server(answer, answer) as (url, received), HTTP(SECONDS) as client:
        assert read(client, url) == read(client, url) == b"ok"
    assert len(received) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsho",
    ],
)
def test_an_incomplete_answer_is_a_failure(answer: bytes) -> None:
    with raw_server(answer) as (url, _), HTTP(SECONDS) as client, pytest.raises(http.FAILURES):
        read(client, url)


def test_a_server_that_answers_before_the_end_of_a_body_is_heard() -> None:
    # A connection of this kind keeps what was received after its other end was closed.
    ours, theirs = socket.socketpair()
    connection = HTTPConnection("registry.example", timeout=SECONDS)
    connection.sock = ours
    theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
    theirs.close()
    pieces = (bytes(LIMIT) for _ in range(4))
    request = Request("PUT", "http://registry.example/", (), pieces, 4 * LIMIT)
    with HTTP(SECONDS) as client, client._exchange(connection, request) as response:
        assert (response.status, response.read(LIMIT)) == (413, b"big")


def test_an_endless_answer_is_refused() -> None:
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(LIMIT + 1)
    with (
        raw_server(answer) as (url, _),
        HTTP(SECONDS) as client,
        pytest.raises(ValueError, match="exceeds 1048576 bytes"),
    ):
        read(client, url)


def test_a_tunnel_through_a_proxy_has_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (proxy, received):
        monkeypatch.setenv("https_proxy", proxy.replace("://", "://me:p%40ss@"))
        with HTTP(SECONDS) as client, pytest.raises(OSError, match="407"):
            read(client, "https://registry.example/v2/")
    assert received[0].startswith(b"CONNECT registry.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in received[0]


def test_a_request_without_tls_goes_to_the_proxy_with_its_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with raw_server(answer) as (proxy, received):
        monkeypatch.setenv("http_proxy", proxy)
        with HTTP(SECONDS) as client:
            assert read(client, "http://registry.example/v2/") == b"ok"
    assert received[0].startswith(b"GET http://registry.example/v2/ HTTP/1.1\r\n")


def test_hosts_without_a_proxy_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "registry.example")
    with HTTP(SECONDS) as client, pytest.raises(OSError) as caught:
        read(client, "http://registry.example/")
    assert not isinstance(caught.value, ConnectionRefusedError)


def test_an_unusable_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    with HTTP(SECONDS) as client, pytest.raises(ValueError, match="is not an http:// URL"):
        read(client, "https://registry.example/")


def test_the_child_of_a_fork_opens_its_own_connections() -> None:
    with http_server(Echo) as url, HTTP(SECONDS) as client:
        before = read(client, url)
        client.after_fork()
        assert read(client, url) != before
