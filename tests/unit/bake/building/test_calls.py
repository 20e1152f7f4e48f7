"""What a call asks for."""

from __future__ import annotations

import pytest

from llb.bake.building.calls import Call
from llb.errors import InvalidValueError


def test_a_call_has_a_request_and_a_format() -> None:
    assert Call.parse("check") == Call("frontend.lint")
    assert Call.parse("outline,format=json") == Call("frontend.outline", "json")
    assert Call.parse("build") is None


def test_an_unknown_call_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"unknown call 'chek': expected .* \(did you mean"):
        Call.parse("chek")
