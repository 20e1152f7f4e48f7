"""Waiting for a connection, and no longer waiting for it."""

from __future__ import annotations

import threading

import pytest

from llb.client.opening import Opening
from llb.errors import CancelledError, ConnectError
from tests.timing import SECONDS, wait_until


def test_a_connection_is_returned_and_stays_open() -> None:
    closed: list[str] = []
    opening = Opening(lambda: "connection", closed.append)
    assert opening.wait() == "connection"
    opening.abandon()
    assert opening.wait() == "connection"
    assert closed == []


def test_the_error_of_an_attempt_is_raised() -> None:
    def connect() -> str:
        raise ConnectError("nobody answers")

    opening = Opening(connect, lambda _: None)
    with pytest.raises(ConnectError, match="nobody answers"):
        opening.wait()


def test_a_connection_that_comes_too_late_is_closed() -> None:
    may_connect, closed = threading.Event(), list[str]()

    def connect() -> str:
        assert may_connect.wait(SECONDS)
        return "connection"

    opening = Opening(connect, closed.append)
    opening.abandon()
    with pytest.raises(CancelledError, match="no longer needed"):
        opening.wait()
    may_connect.set()
    wait_until(lambda: closed == ["connection"])
