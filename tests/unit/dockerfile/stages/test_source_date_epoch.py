"""Source date epoch."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llb.dockerfile import ConvertOptions, DockerfileError
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import Span

SPAN = Span(filename="Dockerfile", text="RUN", line=1, end_line=1, column=None, width=1)


def epoch(value: str) -> datetime | None:
    return find_epoch(value, (), {}, ConvertOptions(), Expander(), SPAN)


def test_the_epoch_is_a_number_of_seconds() -> None:
    assert epoch("1700000000") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert epoch("-1") == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert epoch("") is None


@pytest.mark.parametrize("text", ["soon", "1.5", "9" * 18, "9" * 30, " 1", "\u0661"])
def test_what_is_no_epoch_is_refused(text: str) -> None:
    with pytest.raises(DockerfileError, match="invalid SOURCE_DATE_EPOCH"):
        epoch(text)


def test_a_directory_has_no_epoch() -> None:
    assert epoch("context") is None
