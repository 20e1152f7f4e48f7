"""A failed build is explained by the details that have the form of Go's, whatever else is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from llb.client.connect.errors import to_solve_error
from llb.errors import RemoteError, SolveError, render

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE = {"line": 2, "character": 0}
SOURCE = {"info": {"filename": "Dockerfile", "data": "RlJPTSBhClJVTiBiCg=="}}


def failed(kind: str, body: object) -> SolveError:
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"github.com/moby/buildkit/{kind}+json"
    detail = AnyMessage(type_url=url, value=value).SerializeToString()
    error = RemoteError("failed", code=2, details=(b"\xff", detail))
    return to_solve_error(error, lambda _: None, lambda _: ())


def test_the_lines_of_a_source_are_shown() -> None:
    end = {"line": 2, "character": 3}
    error = failed("errdefs.Source", {**SOURCE, "ranges": [{"start": LINE, "end": end}]})
    assert render(error) == (
        "1 |     FROM a\n2 | >>> RUN b\n  |     ^^^\nerror: Dockerfile:2:1: failed"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"\xff",
        [],
        {"ranges": 1},
        {"ranges": [1]},
        {"ranges": [{}]},
        {"ranges": [{"start": 1}]},
        {"ranges": [{"start": {"line": "2"}}]},
        {"ranges": [{"start": {"line": 2, "character": {}}}]},
        {"ranges": [{"start": LINE}], "info": []},
        {"ranges": [{"start": LINE}], "info": {"filename": []}},
        {"ranges": [{"start": LINE}], "info": {"data": "a"}},
        {"ranges": [{"start": LINE}], "info": {"data": 1}},
    ],
)
def test_a_malformed_source_is_left_out(body: object) -> None:
    assert failed("errdefs.Source", body).span is None


@pytest.mark.parametrize("line", [-1, 10**9, 10**1000])
def test_a_line_or_a_width_beyond_the_source_takes_no_memory(line: int) -> None:
    far = {"start": {"line": line}, "end": {"line": line, "character": 10**12}}
    assert len(render(failed("errdefs.Source", {**SOURCE, "ranges": [far]}))) < 5000
    wide = {"start": LINE, "end": {"line": 2, "character": 10**12}}
    assert len(render(failed("errdefs.Source", {**SOURCE, "ranges": [wide]}))) < 500


@pytest.mark.parametrize("value", [None, [], {}, 1.5, True])
def test_a_digest_or_a_code_of_another_type_is_left_out(value: Any) -> None:
    def of(kind: str, body: Mapping[str, object]) -> tuple[str | None, int | None]:
        error = failed(kind, body)
        return error.vertex, error.exit_code

    assert of("errdefs.Vertex", {"digest": value}) == (None, None)
    assert of("gatewayapi.ExitMessage", {"Code": value}) == (None, None)
