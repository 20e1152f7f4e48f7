"""Any Dockerfile converts to the same as in Go, or is refused at the same line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conformance.dockerfile import go
from tests.conformance.dockerfile.compared import compare
from tests.property.dockerfiles import dockerfiles, words

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.go

# ``make fuzz-dockerfile`` runs more examples.
bounded = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def recorder() -> Iterator[go.Go]:
    with go.running() as process:
        yield process


@bounded
@given(text=dockerfiles())
def test_files_convert_to_the_same(recorder: go.Go, text: str) -> None:
    result = compare(text.encode(), recorder)
    assert result.agrees, f"{result.outcome}\n{result.detail}"


@pytest.mark.feature("B1")
@bounded
@given(word=words())
def test_words_expand_to_the_same(recorder: go.Go, word: str) -> None:
    text = f"FROM scratch\nENV A=a.b/c B=\nCOPY {word} /\nLABEL x={word}\nEXPOSE {word}\n"
    result = compare(text.encode(), recorder)
    assert result.agrees, f"{result.outcome}\n{result.detail}"
