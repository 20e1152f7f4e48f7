"""Token servers of registries answer what they like: a token, one error, and nothing else.

Answers that are well-formed HTTP are in tests/unit/client/registries/test_tokens.py.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from llb.client.registries.tokens import Token, TokenRequest, fetch
from llb.client.registry_auth.docker_config import Login
from llb.errors import InputError, InvalidValueError, render
from llb.state.image_config import ImageConfig
from tests.attacks.limits import MIB, limited

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\n"
TOKEN = b'{"token": "t"}'
LOGIN = Login("me", "pass word")
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read_request(connection: socket.socket) -> None:
    """Read a whole request: closed with unread data, a connection would be reset."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length is not None and len(body) < int(length[1]):
        body += connection.recv(65536)


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """Answer every connection with bytes, and close it; the value is the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    # The listener was shut down.
                    return
                with connection, suppress(OSError):
                    read_request(connection)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def redirect(target: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


REFUSED = {
    "no answer": (b"", "failed to answer"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", "failed to answer"),
    "a status line of a megabyte": (
        b"HTTP/1.1 200 " + b"x" * MIB + b"\r\n\r\n",
        "failed to answer",
    ),
    "a status that is no number": (b"HTTP/1.1 abc OK\r\n\r\n", "failed to answer"),
    "thousands of headers": (OK + b"a: b\r\n" * 100_000 + b"\r\n", "failed to answer"),
    "a header of a megabyte": (OK + b"a: " + b"b" * MIB + b"\r\n\r\n", "failed to answer"),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n", "answered without a token"),
    "a length that is no number": (OK + b"Content-Length: x\r\n\r\n", "answered without a token"),
    "a body that is cut off": (OK + b"Content-Length: 99\r\n\r\n" + TOKEN[:7], "ended early"),
    "an endless body": (OK + b"\r\n" + b" " * 3 * MIB, "its response exceeds 1048576 bytes"),
    "an endless chunk": (CHUNKED + b"ffffffffff\r\n" + b" " * 3 * MIB, "exceeds 1048576 bytes"),
    "thousands of chunks": (CHUNKED + b"1\r\n \r\n" * 20_000, "failed to answer"),
    "a chunk of no size": (CHUNKED + b"zz\r\n", "failed to answer"),
    "a chunk of a negative size": (CHUNKED + b"-1\r\n" + b" " * 100, "failed to answer"),
    "a chunk with a long extension": (CHUNKED + b"1;" + b"x" * MIB, "failed to answer"),
    "a file": (redirect("file:///etc/passwd"), "answered without a token|not an HTTP URL"),
    "another protocol": (redirect("ftp://127.0.0.1/x"), "answered without a token|not an HTTP URL"),
    "a redirection with control characters": (
        redirect("http://127.0.0.1/\x1b[2J"),
        "answered|failed",
    ),
    "a redirection without a target": (b"HTTP/1.1 302 Found\r\n\r\n", "answered|answers|failed"),
    "a redirection to itself": (
        redirect("/"),
        "answered without a token|redirects more than 10 times",
    ),
    "JSON of another form": (OK + b"\r\n[[[[]]]]", "answered without a token"),
    "JSON that is nested deeply": (OK + b"\r\n" + b"[" * 500_000, "answered without a token"),
    "a number of thousands of digits": (OK + b'\r\n{"token": ' + b"9" * 9999 + b"}", "without a"),
    "a token with a line break": (OK + b'\r\n{"token": "a\\r\\nb"}', "answered without a token"),
    "a token that is not ASCII": (OK + '\r\n{"token": "ü"}'.encode(), "answered without a token"),
    "an error with control characters": (
        b'HTTP/1.1 418 X\r\n\r\n{"details": "\\u001b]0;x\\u0007"}',
        "answers with status 418",
    ),
    "a page": (
        b"HTTP/1.1 403 X\r\n\r\n" + b"<html>" * 1000,
        "the credentials|requires credentials",
    ),
}
ACCEPTED = {
    "a lifetime of an eternity": {"token": "t", "expires_in": 10**400},
    "a negative lifetime": {"token": "t", "expires_in": -1},
    "a lifetime that is no number": {"token": "t", "expires_in": {"a": []}},
    "an issue outside the calendar": {"token": "t", "issued_at": "99999-99-99T00:00:00Z"},
    "an issue before the epoch": {"token": "t", "issued_at": "0001-01-01T00:00:00+14:00"},
    "an issue that is no time": {"token": "t", "issued_at": [1]},
    "more than a token": {"token": "t", "errors": [[]], "access_token": None},
}


def fetch_from(url: str, login: Login) -> Token:
    return fetch(TokenRequest("registry.example", url), login, wait=lambda _: None)


# Redirections are followed without credentials only.
@pytest.mark.parametrize("login", [LOGIN, Login()], ids=["with a password", "without"])
@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_without_a_token_is_one_error(name: str, login: Login) -> None:
    answer, message = REFUSED[name]
    with (
        limited(),
        server(answer) as url,
        pytest.raises(InputError, match=message) as caught,
    ):
        fetch_from(url, login)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 1000
    assert not {"\x1b", "\x07"} & {*render(caught.value)}
    assert "pass word" not in str(caught.value)


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_facts_about_a_token_are_checked(name: str) -> None:
    body = json.dumps(ACCEPTED[name]).encode()
    with server(OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body) as url:
        assert fetch_from(url, LOGIN) == Token("t")


CONFIGS = {
    "no JSON": b"\xff",
    "another form": b"[]",
    "a number": b"1",
    "deep nesting": b'{"config":' * 100_000,
    "deep nesting of history": b'{"history":[' + b"[" * 100_000,
    "strings for lists": b'{"config": {"Env": "PATH", "Cmd": 7}}',
    "lists for strings": b'{"config": {"User": ["me"]}}',
    "an eternal health check": b'{"config": {"Healthcheck": {"Interval": 1e999}}}',
    "a number of thousands of digits": b'{"config": {"Healthcheck": {"Retries": ' + b"9" * 5000,
    "layers that are no list": b'{"rootfs": {"diff_ids": 1}}',
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_malformed_image_config_is_one_error(name: str) -> None:
    with limited(), pytest.raises(InvalidValueError, match="invalid image config"):
        ImageConfig.from_json(CONFIGS[name])
