"""The corpus comparison agrees for files in memory, with a recorder that keeps running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.dockerfile import go
from tests.conformance.dockerfile.compared import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.go


@pytest.fixture(scope="module")
def recorder() -> Iterator[go.Go]:
    with go.running() as process:
        yield process


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("FROM alpine\nRUN --mount=type=cache,target=/c make\nCOPY --link a /b\n", "equal"),
        ("FROM scratch\n", "equal"),
        ("FROM alpine\nCOPPY a b\n", "refused"),
        ("# nothing\n\n", "refused"),
        ("FROM scratch\nENV v=xyzxyx\nLABEL a=${v//x/-} b=${v%%z*} c=${v/y?/\\/}\n", "equal"),
        ("FROM scratch\nENV v=$0 x=y\nENV w=${x//y/<$0$1$$>} u=${x///-}\n", "equal"),
    ],
)
def test_both_sides_agree(recorder: go.Go, source: str, outcome: str) -> None:
    result = compare(source.encode(), recorder)
    assert result.outcome == outcome, result.detail


def test_both_sides_get_the_options(recorder: go.Go) -> None:
    options = {"platform": "linux/arm64", "target": "a", "build_args": {"V": "9"}}
    source = b"ARG V\nFROM alpine:$V AS a\nARG TARGETARCH\nRUN x\nFROM scratch\n"
    assert compare(source, recorder, options).outcome == "equal"
