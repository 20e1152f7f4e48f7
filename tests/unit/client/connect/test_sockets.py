"""Sockets are dialed by address, and failures have a reason."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from llb.client.connect.routes import dialer_route
from llb.client.connect.sockets import dial, dial_with
from llb.client.connect.tls import TLS
from llb.errors import ConnectError, InvalidValueError, TransportError
from llb.grpc import memory_pair

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import Pipe


def test_a_unix_socket_is_dialed(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        pipe = dial(f"unix://{tmp_path}/s")
        connection, _ = listener.accept()
        with connection:
            pipe.write(b"hello")
            assert connection.recv(5) == b"hello"
        pipe.close()


@pytest.mark.parametrize(("family", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_tcp_socket_is_dialed(family: str, host: str) -> None:
    kind = socket.AF_INET6 if ":" in family else socket.AF_INET
    with socket.create_server((family, 0), family=kind) as listener:
        pipe = dial(f"tcp://{host}:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"hello")
            assert pipe.read() == b"hello"
        pipe.close()


def test_a_missing_socket_is_an_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(TransportError) as caught:
        dial(f"unix://{tmp_path}/none")
    assert caught.value.message == "No such file or directory"


def test_a_named_pipe_is_an_error_where_there_is_none() -> None:
    with pytest.raises(TransportError) as caught:
        dial("npipe:////./pipe/docker_engine")
    assert caught.value.message == "named pipes exist on Windows only"


def test_a_closed_port_is_an_error_with_its_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        dial(f"tcp://127.0.0.1:{port}")
    assert caught.value.message == "Connection refused"


def test_an_invalid_host_name_is_refused() -> None:
    with pytest.raises(TransportError) as caught:
        dial("tcp://a..b:1")
    assert caught.value.message == "invalid host name"


def test_a_socket_of_a_dialer_is_used_and_closed() -> None:
    here, there = socket.socketpair()
    here.settimeout(0.001)
    pipe = dial_with(lambda: here, None, "")
    pipe.write(b"hello")
    assert there.recv(5) == b"hello"
    pipe.close()
    assert there.recv(1) == b""
    there.close()


def test_a_pipe_of_a_dialer_is_used_unchanged() -> None:
    here, _ = memory_pair()
    assert dial_with(lambda: here, None, "") is here


@pytest.mark.parametrize("value", [None, "unix:///s", 3, object])
def test_a_dialer_that_returns_no_connection_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        dial_with(lambda: value, None, "")
    assert caught.value.message == (
        f"the dialer returned {type(value).__name__}: expected a connected socket.socket, or an "
        "object with read, write and close (llb.grpc.Pipe)"
    )


def test_tls_over_a_pipe_of_a_dialer_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        dial_with(lambda: memory_pair()[0], TLS(), "host")
    assert caught.value.message == "the dialer returned a pipe, but tls needs a socket"


def relay() -> Pipe:
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_route_through_a_dialer_is_named_by_its_address_or_function() -> None:
    for address, shown in (("tcp://builder:1234", "tcp://builder:1234"), (None, "dialer://relay")):
        route = dialer_route(relay, address)
        assert (route.address, route.authority, route.scheme) == (shown, "localhost", "http")
        with pytest.raises(ConnectError) as caught:
            route.connect()
        assert caught.value.message == f"no BuildKit answers at {shown}: Connection refused"


def test_tls_through_a_dialer_needs_a_name() -> None:
    with pytest.raises(InvalidValueError, match="needs the name in the daemon's certificate"):
        dialer_route(relay, None, TLS())
    for address, tls, authority in (
        ("tcp://builder:1234", TLS(), "builder:1234"),
        ("tcp://builder:1234", TLS(server_name="name"), "name"),
        (None, TLS(server_name="name"), "name"),
    ):
        route = dialer_route(relay, address, tls)
        assert (route.authority, route.scheme) == (authority, "https")


@pytest.mark.parametrize(
    ("dialer", "address", "message"),
    [
        ("unix:///s", None, "invalid dialer: expected a function, not str"),
        (relay, "docker://", "a dialer cannot be used for Docker's API, docker://"),
        (relay, "ssh://h", "invalid address 'ssh://h': expected unix://PATH or tcp://HOST:PORT"),
    ],
)
def test_a_dialer_is_for_sockets_alone(dialer: Any, address: str | None, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        dialer_route(dialer, address)
    assert caught.value.message == message
