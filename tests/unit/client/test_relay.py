"""A relay passes on what comes to it, and says why it could not."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from llb.client.program_pipe import ProgramPipe
from llb.client.relay import Relay
from tests.fakes.scarcity import no_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture
def made() -> Iterator[list[Relay]]:
    """Relays to close at the end."""
    relays: list[Relay] = []
    yield relays
    for each in relays:
        each.close()


def connect(made: list[Relay], command: Sequence[str]) -> socket.socket:
    relay = Relay(lambda: ProgramPipe(command))
    made.append(relay)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect("\0" + relay.target.removeprefix("unix-abstract:"))
    return connection


def test_bytes_go_both_ways(made: list[Relay]) -> None:
    with connect(made, ["cat"]) as connection:
        connection.sendall(b"there and back")
        assert connection.recv(100) == b"there and back"
    made[0].close()
    assert made[0].problem is None


def test_closing_ends_what_is_connected_and_refuses_more(made: list[Relay]) -> None:
    with connect(made, ["cat"]) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        made[0].close()
        assert connection.recv(1) == b""
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
        late.connect("\0" + made[0].target.removeprefix("unix-abstract:"))


def test_the_problem_is_known_before_the_connection_ends(made: list[Relay]) -> None:
    with connect(made, ["sh", "-c", "echo why >&2; exit 1"]) as connection:
        assert connection.recv(1) == b""
        assert made[0].problem == "sh ended with exit status 1: why"


def test_a_pipe_that_cannot_be_opened_is_a_problem_too(made: list[Relay]) -> None:
    with connect(made, ["/none"]) as connection:
        assert connection.recv(1) == b""
        assert made[0].problem == "/none is not on PATH"


def test_a_problem_is_forgotten_when_the_next_pipe_opens(made: list[Relay]) -> None:
    commands = [["/none"], ["cat"]]
    relay = Relay(lambda: ProgramPipe(commands.pop(0)))
    made.append(relay)
    for sent in (b"", b"x"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect("\0" + relay.target.removeprefix("unix-abstract:"))
            connection.sendall(sent)
            assert connection.recv(1) == sent
    assert relay.problem is None


def test_nothing_stays_when_the_other_side_leaves(made: list[Relay]) -> None:
    with connect(made, ["cat"]) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
    deadline = time.monotonic() + 10
    while made[0]._connections:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_connections_are_served_again_once_there_are_descriptors(made: list[Relay]) -> None:
    relay = Relay(lambda: ProgramPipe(["cat"]))
    made.append(relay)
    name = "\0" + relay.target.removeprefix("unix-abstract:")
    with socket.socket(socket.AF_UNIX) as early, socket.socket(socket.AF_UNIX) as late:
        with no_descriptors():
            early.connect(name)
            time.sleep(0.3)
        late.settimeout(10)
        late.connect(name)
        late.sendall(b"x")
        assert late.recv(1) == b"x"
