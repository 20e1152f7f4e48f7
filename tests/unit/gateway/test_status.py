"""Exceptions become statuses that every client shows."""

from __future__ import annotations

import json

from google.protobuf.any_pb2 import Any as AnyMessage

from llb.errors import Hint, LLBError, RemoteError, Span
from llb.gateway.status import to_status

SPAN = Span("Dockerfile", "FROM a\nCOPPY b c\n", 2, column=1, width=5)


def test_an_error_carries_its_source_lines() -> None:
    status = to_status(LLBError("it is wrong", span=SPAN, hint="mend it"), language="Dockerfile")
    assert status.message == "it is wrong (hint: mend it)"
    (detail,) = status.details
    assert detail.type_url == "github.com/moby/buildkit/errdefs.Source+json"
    assert json.loads(detail.value) == {
        "info": {
            "filename": "Dockerfile",
            "data": "RlJPTSBhCkNPUFBZIGIgYwo=",
            "language": "Dockerfile",
        },
        "ranges": [{"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 5}}],
    }


def test_a_hint_is_sent_in_the_words_of_the_command_line() -> None:
    hint = Hint("pass target='a'", command="choose one with --target")
    status = to_status(LLBError("it is wrong", hint=hint))
    assert status.message == "it is wrong (hint: choose one with --target)"


def test_a_status_of_the_daemon_is_passed_on_unchanged() -> None:
    detail = AnyMessage(type_url="some/type", value=b"content")
    error = RemoteError("from the daemon", code=5, details=(detail.SerializeToString(),))
    status = to_status(error)
    assert (status.code, status.message, list(status.details)) == (5, "from the daemon", [detail])


def test_a_malformed_detail_of_the_daemon_is_left_out() -> None:
    status = to_status(RemoteError("from the daemon", code=5, details=(b"\xff",)))
    assert (status.code, status.message, list(status.details)) == (5, "from the daemon", [])


def test_a_bug_in_a_frontend_is_reported_with_its_source_line() -> None:
    try:
        dict[str, str]()["missing"]
    except KeyError as error:
        status = to_status(error)
    assert status.message.startswith("the frontend crashed: KeyError: 'missing'; at ")
    assert "test_status.py:" in status.message
    (detail,) = status.details
    assert json.loads(detail.value)["info"]["language"] == "Python"
