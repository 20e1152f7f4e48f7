"""The answer to a check: its warnings with their number, and the error of the file."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from llb.client.image_build.check_answer import check_error, check_text


def answer(text: str = "", **value: Any) -> dict[str, bytes]:
    return {"result.txt": text.encode(), "result.json": json.dumps(value).encode()}


def test_warnings_are_counted() -> None:
    assert check_text(answer()) == "Check complete, no warnings found.\n"
    assert check_text(answer("W\n", warnings=[{}])) == (
        "Check complete, 1 warning has been found!\nW\n"
    )
    assert check_text(answer("W\nV\n", warnings=[{}, {}])) == (
        "Check complete, 2 warnings have been found!\nW\nV\n"
    )


def test_the_answer_of_another_frontend_is_printed_as_it_is() -> None:
    assert check_text({"result.txt": b"fine\n"}) == "fine\n"
    assert check_text({"result.txt": b"fine\n", "result.json": b"["}) == "fine\n"
    assert check_error({"result.txt": b"", "result.json": b"[]"}) is None


def test_an_error_has_the_lines_of_the_file() -> None:
    text = "FROM scratch\nCOPPY a /\n"
    source = {"filename": "Dockerfile", "data": base64.b64encode(text.encode()).decode()}
    location = {"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]}
    error = {"message": "unknown instruction: COPPY", "location": location}
    found = answer(sources=[source], buildError=error)
    assert check_text(found) == ""
    raised = check_error(found)
    assert raised is not None
    assert str(raised) == "Dockerfile:2: unknown instruction: COPPY"


@pytest.mark.parametrize(
    "location",
    [
        None,
        {},
        {"ranges": []},
        {"sourceIndex": 9, "ranges": [{"start": {"line": 1}, "end": {"line": 1}}]},
    ],
)
def test_an_error_without_a_place_has_its_message(location: object) -> None:
    raised = check_error(answer(buildError={"message": "broken", "location": location}))
    assert raised is not None
    assert str(raised) == "broken"
