"""Addresses are parsed, and default daemons are found in the documented order."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from llb.client.connect.address import check_socket, default_socket, explicit_address
from llb.client.connect.routes import to_route
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.feature("J1")
@pytest.mark.parametrize(
    "address",
    [
        *("unix:///run/x.sock", "tcp://localhost:1234", "tcp://10.0.0.1:1", "tcp://[::1]:1234"),
        *("tcp://[fe80::1%eth0]:1", "tcp://[::ffff:10.0.0.1]:1"),
        *("npipe:////./pipe/buildkitd", r"npipe://\\.\pipe\buildkitd"),
        "npipe:////server/pipe/buildkitd",
    ],
)
def test_addresses_of_sockets_have_routes(address: str) -> None:
    route = to_route(address)
    assert (route.address, route.authority, route.scheme) == (address, "localhost", "http")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unix://",
        "tcp://host",
        "tcp://:1",
        "tcp://a b:1",
        "tcp://a:65536",
        "npipe://",
        "npipe://./pipe/docker_engine",
        "npipe:////./pipe/",
        "http://x:1",
        "/run/x.sock",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid address"):
        check_socket(address)


@pytest.mark.parametrize("address", ["", "unix", "://x", "http://x", "UNIX:///x"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(address: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_route(address)
    assert caught.value.message == (
        f"invalid address {address!r}: expected one that begins with unix://, tcp://, npipe://, "
        "docker://, docker-container://, podman-container://, nerdctl-container://, kube-pod://, "
        "ssh://, builder://"
    )


def test_a_similar_scheme_is_suggested() -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_route("docker-contaner://builder")
    assert caught.value.hint == "did you mean docker-container?"


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/run/x.sock", "did you mean unix:///run/x.sock?"),
        ("unix:/run/x.sock", "did you mean unix:///run/x.sock?"),
        ("tcp:builder:1234", "did you mean tcp://builder:1234?"),
        ("builder:1234", "did you mean tcp://builder:1234?"),
        ("tcp://builder", "for example tcp://builder:1234"),
        ("builder", "for example unix:///run/buildkit/buildkitd.sock"),
    ],
)
def test_an_incomplete_address_is_completed(address: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_route(address)
    assert caught.value.hint == hint


def test_an_argument_comes_before_the_environment() -> None:
    environ = {"BUILDKIT_HOST": "unix:///env"}
    assert explicit_address("unix:///given", environ) == "unix:///given"
    assert explicit_address(None, environ) == "unix:///env"
    assert explicit_address(None, {"BUILDKIT_HOST": ""}) is None


def test_the_socket_of_a_user_is_found(tmp_path: Path) -> None:
    (tmp_path / "buildkit").mkdir()
    path = tmp_path / "buildkit" / "buildkitd.sock"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    path.write_text("a file is not a socket")
    assert default_socket(environ) is None
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert default_socket(environ) is None, "nobody listens on it"
        listener.listen()
        assert default_socket(environ) == f"unix://{path}"
