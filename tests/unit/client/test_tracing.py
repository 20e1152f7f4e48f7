"""The start and the end of a build are logged, with its ref and duration."""

from __future__ import annotations

import re

import pytest

from llb.client.tracing import build_span
from llb.errors import InputError


def test_a_build_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "llb"), build_span({"buildkit.ref": "r1"}):
        pass
    with (
        caplog.at_level("INFO", "llb"),
        pytest.raises(InputError),
        build_span({"buildkit.ref": "r2"}),
    ):
        raise InputError("may quote a secret")
    assert [re.sub(r"\d+\.\d\d s", "SECONDS", message) for message in caplog.messages] == [
        "build r1 started",
        "build r1 succeeded after SECONDS",
        "build r2 started",
        "build r2: InputError after SECONDS",
    ]


def test_no_build_is_logged_below_its_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", "llb"), build_span({"buildkit.ref": "r1"}):
        pass
    assert caplog.messages == []
