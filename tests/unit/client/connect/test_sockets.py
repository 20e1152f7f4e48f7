"""Sockets are dialed by address, and failures have a reason."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from llb.client.connect.sockets import dial
from llb.errors import TransportError

if TYPE_CHECKING:
    from pathlib import Path


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
