"""Tokens are fetched from token servers, which cannot be trusted."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from llb.client.registries.tokens import Token, TokenRequest, fetch
from llb.client.registry_auth.docker_config import Login
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


HOST = "registry.example"


LOGIN = Login("me", "pass word")


class Handler(BaseHTTPRequestHandler):
    """Answers with the test's responses, and records the requests."""

    answers: ClassVar[list[tuple[int, bytes, dict[str, str]]]]
    requests: ClassVar[list[tuple[str, str, str]]]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
        status, body, headers = self.answers.pop(0)
        if not status:
            return
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def server(
    *answers: tuple[int, object] | tuple[int, object, dict[str, str]],
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Run a server with these answers; yield its URL and the requests it received.

    For the status 0, the server closes the connection without an answer.
    """
    seen: list[tuple[str, str, str]] = []

    class TestHandler(Handler):
        requests = seen

    TestHandler.answers = [
        (status, body if isinstance(body, bytes) else json.dumps(body).encode(), dict(*headers))
        for status, body, *headers in answers
    ]
    with ThreadingHTTPServer(("127.0.0.1", 0), TestHandler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", seen
        finally:
            http.shutdown()
            thread.join()


def test_a_realm_keeps_its_query() -> None:
    with server((200, {"token": "t"})) as (url, seen):
        token_request = TokenRequest(
            HOST, f"{url}/token?account=a", "s s", ("a:b:pull", "c:d:pull")
        )
        assert fetch(token_request, Login()) == Token("t")
    path = "/token?account=a&service=s+s&scope=a%3Ab%3Apull&scope=c%3Ad%3Apull"
    assert seen == [("GET", path, "")]


def test_the_server_determines_the_lifetime_of_a_token() -> None:
    answer = {"token": "t", "expires_in": 900, "issued_at": "2026-01-02T03:04:05.123456789Z"}
    with server((200, answer)) as (url, _):
        assert fetch(TokenRequest(HOST, url), Login()) == Token("t", 900, 1767323045)


@pytest.mark.parametrize(
    "odd", [{"expires_in": -1}, {"expires_in": "x"}, {"issued_at": 7}, {"issued_at": "yesterday"}]
)
def test_invalid_times_are_replaced_by_the_defaults(
    odd: dict[str, object],
) -> None:
    with server((200, {"token": "t"} | odd)) as (url, _):
        assert fetch(TokenRequest(HOST, url), Login()) == Token("t", 60, 0)


@pytest.mark.feature("N11")
@pytest.mark.parametrize(
    ("credentials", "status", "methods"),
    [
        (LOGIN, 404, ["POST", "GET"]),
        (LOGIN, 401, ["POST", "GET"]),
        (LOGIN, 405, ["POST", "GET"]),
        (Login(secret="identity"), 404, ["POST", "GET"]),
        (Login(secret="identity"), 405, ["POST"]),
        (LOGIN, 403, ["POST"]),
    ],
)
def test_servers_without_oauth_get_the_older_request(
    credentials: Login, status: int, methods: list[str]
) -> None:
    with server((status, {}), (200, {"token": "t"})) as (url, seen):
        token_request = TokenRequest(HOST, url)
        if methods == ["POST"]:
            with pytest.raises(InputError):
                fetch(token_request, credentials)
        else:
            assert fetch(token_request, credentials) == Token("t")
    assert [method for method, *_ in seen] == methods


@pytest.mark.feature("N11")
@pytest.mark.parametrize("credentials", [Login(), LOGIN])
def test_a_server_that_fails_for_a_moment_is_asked_again(credentials: Login) -> None:
    delays: list[float] = []
    # The connection of the second request breaks before an answer.
    with server((503, {}), (0, {}), (502, {}), (200, {"token": "t"})) as (url, seen):
        token_request = TokenRequest(HOST, url)
        assert fetch(token_request, credentials, wait=delays.append) == Token("t")
    assert len(seen) == 4
    assert delays == [1, 2, 4]


def test_a_server_that_fails_four_times_is_an_error() -> None:
    delays: list[float] = []
    with server(*[(500, {})] * 4) as (url, seen), pytest.raises(InputError, match=r"status 500$"):
        fetch(TokenRequest(HOST, url), Login(), wait=delays.append)
    assert (len(seen), delays) == (4, [1, 2, 4])


@pytest.mark.feature("N11")
def test_a_server_that_refuses_connections_is_asked_once() -> None:
    delays: list[float] = []
    with server() as (url, _):
        pass
    with pytest.raises(InputError, match=r"Connection refused$"):
        fetch(TokenRequest(HOST, url), Login(), wait=delays.append)
    assert delays == []


def test_credentials_do_not_follow_redirects() -> None:
    with server((200, {"token": "t"})) as (redirected, redirected_seen):
        moved = {"Location": f"{redirected}/moved"}
        with server((404, {}), (302, b"", moved)) as (url, seen):
            assert fetch(TokenRequest(HOST, url), LOGIN) == Token("t")
    assert [(method, bool(header)) for method, _, header in seen] == [
        ("POST", False),
        ("GET", True),
    ]
    assert redirected_seen == [("GET", "/moved", "")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errors": [{"code": "DENIED", "message": "no\nway"}]}, ": no way"),
        ({"error": "invalid_grant", "error_description": "used up"}, ": used up"),
        ({"error": "invalid_grant"}, ": invalid_grant"),
        ({"details": "not pass word, pass+word or bWU6cGFzcyB3b3Jk"}, ": not ***, *** or ***"),
        ({"details": "x" * 1000}, f": {'x' * 200}"),
        ({"errors": "x"}, ""),
        (b"<html>", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_error_messages_of_a_server_contain_no_secrets(body: object, message: str) -> None:
    with server((418, body)) as (url, _), pytest.raises(InputError) as caught:
        fetch(TokenRequest(HOST, f"{url}/a?secret=1"), LOGIN)
    assert caught.value.message == f"the token server {url}/a answers with status 418{message}"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token": 7}', b'{"token": "a\\nb"}'])
def test_an_answer_without_a_token_is_an_error(body: bytes) -> None:
    with (
        server((200, body)) as (url, _),
        pytest.raises(InputError, match=r"answered without a token$"),
    ):
        fetch(TokenRequest(HOST, url), Login())


def test_an_endless_answer_is_refused() -> None:
    with (
        server((200, b" " * 2**21)) as (url, _),
        pytest.raises(InputError, match="failed to answer: its response exceeds 1048576 bytes"),
    ):
        fetch(TokenRequest(HOST, url), Login())


@pytest.mark.parametrize(
    "realm", ["file:///etc/passwd", "ftp://host/x", "", "token", "http://", "http://[", "data:,x"]
)
def test_only_http_servers_are_used(realm: str) -> None:
    with pytest.raises(InputError, match=r"is not (a|an HTTP) URL"):
        fetch(TokenRequest(HOST, realm), LOGIN)


@pytest.mark.parametrize(
    "realm", ["http://127.0.0.1:1/", "http://127.0.0.1:x/", "http://127.0.0.1/a b", "http://ü\x00/"]
)
def test_an_unreachable_server_is_an_error(realm: str) -> None:
    with pytest.raises(InputError, match=r"^the token server http://.* failed to answer: "):
        fetch(TokenRequest(HOST, realm), LOGIN)


def test_proxies_are_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with server((200, {"token": "t"})) as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy)
        assert fetch(TokenRequest(HOST, "http://tokens.example/t"), Login()) == Token("t")
    with server((200, {"token": "here"})) as (url, _):
        assert fetch(TokenRequest(HOST, url), Login()) == Token("here")
    assert seen == [("GET", "http://tokens.example/t", "")]
