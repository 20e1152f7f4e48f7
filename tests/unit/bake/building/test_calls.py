"""Requests about targets: what a call asks for, and what the frontend answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import bake
from llb.bake.building.calls import Answer, Call, call
from llb.bake.definitions.preparation import prepared
from llb.client import Client
from llb.errors import BakeFileError, InvalidValueError
from llb.gateway import Result
from llb.testing import FakeDaemon

if TYPE_CHECKING:
    from pathlib import Path

    from llb.gateway import Gateway, Request


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory, which is the context of the target."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)


def answer(text: str, *answers: tuple[str, bytes]) -> Answer:
    """The answer about a target whose frontend returns metadata."""

    def frontend(request: Request, _: Gateway) -> Result:
        assert request.options["requestid"] == call_of(text).request
        return Result(metadata=dict(answers))

    selection = prepared(bake.Plan([bake.Target("app", target="app")]).select(["app"]))
    with (
        FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon,
        Client(daemon.address) as client,
    ):
        return call(selection.targets["app"], client, call_of(text))


def call_of(text: str) -> Call:
    parsed = Call.parse(text)
    assert parsed is not None
    return parsed


def test_a_call_has_a_request_and_a_format() -> None:
    assert Call.parse("check") == Call("frontend.lint")
    assert Call.parse("outline,format=json") == Call("frontend.outline", "json")
    assert Call.parse("check,ignorestatus=true") == Call("frontend.lint", ignores_status=True)
    assert Call.parse("build") is Call.parse("") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chek", r"unknown call 'chek': expected .* \(did you mean check\?\)"),
        ("check,depth=1", "unexpected 'depth=1'"),
        ('check,"', "invalid call"),
    ],
)
def test_an_unknown_call_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Call.parse(text)


def test_the_answer_has_a_text_and_a_status() -> None:
    found = answer("check", ("result.txt", b"a warning"), ("result.statuscode", b"1"))
    assert found == Answer("a warning", 1)
    assert answer("targets,format=json", ("result.json", b"{}")) == Answer("{}", 0)


def test_a_check_without_warnings_says_so() -> None:
    assert answer("check", ("result.txt", b"")).text == "Check complete, no warnings found.\n"


def test_a_frontend_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(BakeFileError, match=r"no result.txt for frontend.outline of app"):
        answer("outline")


def test_the_status_of_an_answer_may_be_ignored() -> None:
    parts = (("result.txt", b""), ("result.statuscode", b"1"))
    assert answer("check", *parts).status == 1
    assert answer("check,ignorestatus=true", *parts).status == 0
    with pytest.raises(InvalidValueError, match="ignorestatus 'maybe': expected true or false"):
        Call.parse("check,ignorestatus=maybe")
