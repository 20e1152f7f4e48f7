"""Waiting for a connection, and no longer waiting for it."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from time import monotonic

import pytest

from llb.client.opening import Opening
from llb.errors import CancelledError, ConnectError
from llb.grpc.endings import DeadlineError
from tests.timing import SECONDS, wait_until


def test_several_threads_wait_for_one_connection() -> None:
    may_connect, results = threading.Event(), list[str]()

    def connect() -> str:
        assert may_connect.wait(SECONDS)
        return "connection"

    opening = Opening(connect, results.append)
    waiting = [threading.Thread(target=lambda: results.append(opening.result())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    may_connect.set()
    for thread in waiting:
        thread.join(SECONDS)
    assert results == ["connection"] * 3


def test_the_error_of_an_attempt_is_raised() -> None:
    def connect() -> str:
        raise ConnectError("nobody answers")

    opening = Opening(connect, lambda _: None)
    with pytest.raises(ConnectError, match="nobody answers"):
        opening.result(monotonic() + SECONDS)


def test_a_wait_ends_at_its_deadline_and_others_go_on() -> None:
    may_connect, closed = threading.Event(), list[str]()

    def connect() -> str:
        assert may_connect.wait(SECONDS)
        return "connection"

    opening = Opening(connect, closed.append)
    with pytest.raises(DeadlineError):
        opening.result(monotonic())
    may_connect.set()
    assert opening.result() == "connection"
    assert closed == []


def test_a_connection_that_comes_too_late_is_discarded_once() -> None:
    may_connect, closed = threading.Event(), list[str]()

    def connect() -> str:
        assert may_connect.wait(SECONDS)
        return "connection"

    opening = Opening(connect, closed.append)
    opening.abandon()
    with pytest.raises(CancelledError, match="no longer needed"):
        opening.result()
    may_connect.set()
    wait_until(lambda: closed == ["connection"])
    opening.abandon()
    assert closed == ["connection"]


def test_an_open_connection_that_is_abandoned_is_discarded_by_another_thread() -> None:
    closed: list[int] = []
    opening = Opening(lambda: "connection", lambda _: closed.append(threading.get_ident()))
    assert opening.result() == "connection"
    opening.abandon()
    wait_until(lambda: len(closed) == 1)
    assert closed != [threading.get_ident()]
    with pytest.raises(CancelledError):
        opening.result()


def test_connecting_sees_the_context_variables_of_the_caller() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("mine")
    assert Opening(variable.get, lambda _: None).result() == "mine"
