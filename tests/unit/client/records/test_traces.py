"""Traces are exported without secrets."""

from __future__ import annotations

import json

import pytest

from llb.client.records.traces import hidden, without_secrets
from llb.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOKEN=a b", "TOKEN=xxxxx b"),
        ("x,ghtoken=a,y", "x,ghtoken=xxxxx,y"),
        ("secret_access_key=", "secret_access_key="),
        (f"ghu_{'a' * 36}!", "xxxxx!"),
        ("tokens are fine", "tokens are fine"),
    ],
)
def test_secrets_are_hidden(text: str, expected: str) -> None:
    assert hidden(text) == expected


def test_spans_may_follow_each_other_in_any_way() -> None:
    spans = b'{"Name": "a"}{"Name": "b"}\n\n {"Name": "c"} '
    decoded = without_secrets(spans).decode().split("}\n")[:-1]
    assert [json.loads(f"{text}}}")["Name"] for text in decoded] == ["a", "b", "c"]


def test_an_empty_trace_stays_empty() -> None:
    assert without_secrets(b"") == b""


@pytest.mark.parametrize("trace", [b"{", b"[]", b"nonsense", b"\xff", b"[" * 100_000])
def test_a_trace_that_is_not_json_is_refused(trace: bytes) -> None:
    with pytest.raises(InputError, match="the trace of the build"):
        without_secrets(trace)
