"""Calls from grpc-go to our server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.go

OK = {"count": 0, "size": 0, "code": 0}


def test_a_unary_call_is_answered(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("echo", "hello") == OK | {"answers": ["hello"]}


def test_a_client_stream_arrives_whole(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("collect", "20000", "100") == OK | {"answers": ["20000 2000000"]}


def test_64_mib_come_in(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("collect", "4", str(2**24)) == OK | {"answers": [f"4 {2**26}"]}


def test_64_mib_go_out(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("produce", "2048", "32768") == OK | {"count": 2048, "size": 2**26}


def test_a_message_of_the_limit_goes_out(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("produce", "1", str(2**24)) == OK | {"count": 1, "size": 2**24}


def test_a_conversation_takes_turns(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("chat", "a", "b", "", "c") == OK | {"answers": ["a", "b", "", "c"]}


def test_an_error_arrives_with_its_details(go_call: Callable[..., dict[str, Any]]) -> None:
    failure = {"code": 9, "message": "50 % für\nnichts", "details": ["one", "two"]}
    assert go_call("fail", json.dumps(failure)) == OK | failure


def test_a_deadline_ends_the_call(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("sleep", "60000", "50") == OK | {
        "code": 4,
        "message": "context deadline exceeded",
    }


def test_an_answer_within_the_deadline_arrives(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("sleep", "1", "60000") == OK | {"answers": ["1"]}


def test_metadata_arrives_with_repeated_names(go_call: Callable[..., dict[str, Any]]) -> None:
    shown = {"dir-name": ["context"], "patterns": ["a", "b"], "blob-bin": ["AP8"]}
    assert go_call("metadata") == OK | {"answers": [json.dumps(shown)]}


def test_100_calls_run_at_the_same_time(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("concurrent", "100", "100000") == OK | {"count": 100, "size": 10_000_000}


def test_a_compressed_call_is_refused(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("gzip", "hello") == OK | {
        "code": 12,
        "message": "unsupported compression 'gzip'",
    }


def test_an_unknown_method_is_refused(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("unknown") == OK | {
        "code": 12,
        "message": "unknown method /tunnel.Test/Nothing",
    }


def test_a_cancelled_call_ends_its_handler(go_call: Callable[..., dict[str, Any]]) -> None:
    assert go_call("cancel", "hello") == OK | {"answers": ["yes"]}
