"""A frontend's request is parsed from environment variables."""

from __future__ import annotations

import json

import pytest

from llb import Platform
from llb.errors import InvalidValueError, TransportError
from llb.gateway import Request

WORKERS = [
    {
        "id": "x",
        "labels": {},
        "platforms": [
            {"architecture": "amd64", "os": "linux"},
            {"Architecture": "arm", "OS": "linux", "Variant": "v7"},
        ],
    }
]


def test_options_session_and_platforms_are_parsed() -> None:
    request = Request.from_environ(
        {
            "BUILDKIT_FRONTEND_OPT_0": "filename=Dockerfile",
            "BUILDKIT_FRONTEND_OPT_1": "build-arg:A=1=2",
            "BUILDKIT_FRONTEND_OPT_10": "no-cache=",
            "BUILDKIT_SESSION_ID": "session",
            "BUILDKIT_WORKERS": json.dumps(WORKERS),
            "PATH": "/bin",
        }
    )
    assert request == Request(
        options={"filename": "Dockerfile", "build-arg:A": "1=2", "no-cache": ""},
        session_id="session",
        platforms=(Platform("linux", "amd64"), Platform("linux", "arm", "v7")),
    )
    assert request.prefixed("build-arg:") == {"A": "1=2"}


def test_a_process_that_no_daemon_started_is_an_error() -> None:
    with pytest.raises(TransportError) as caught:
        Request.from_environ({})
    assert caught.value.message == "this is a BuildKit frontend, which a daemon starts"


def test_boolean_options_are_parsed_like_go() -> None:
    request = Request(options={"a": "1", "b": "FALSE", "c": "yes"})
    assert (request.flag("a"), request.flag("b"), request.flag("z")) == (True, False, None)
    with pytest.raises(InvalidValueError):
        request.flag("c")
