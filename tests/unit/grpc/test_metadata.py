"""Request headers, metadata and timeouts."""

from __future__ import annotations

import pytest

from llb.errors import InvalidValueError
from llb.grpc import metadata
from tests.timing import cpu_seconds


def test_a_request_has_the_headers_of_grpc() -> None:
    pairs = [("Dir-Name", "context"), ("blob-bin", "AP8")]
    assert metadata.request("/s/m", "here", 1.5, pairs) == (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/s/m"),
        (":authority", "here"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "pyllb"),
        ("grpc-timeout", "1500000u"),
        ("dir-name", "context"),
        ("blob-bin", "AP8"),
    )


def test_metadata_keeps_repeated_names_and_drops_pseudo_headers() -> None:
    headers = ((":path", "/s/m"), ("a", "1"), ("b", "2"), ("a", "3"))
    assert metadata.parse_metadata(headers) == {"a": ("1", "3"), "b": ("2",)}


@pytest.mark.parametrize("pair", [("", "x"), (":path", "x"), ("a b", "x"), ("ü", "x")])
def test_an_invalid_metadata_name_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(InvalidValueError, match="invalid metadata name"):
        metadata.request("/s/m", "here", None, [pair])


@pytest.mark.parametrize("value", ["ü", "a\nb", "\udcff"])
def test_an_invalid_metadata_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError, match="expected printable ASCII"):
        metadata.request("/s/m", "here", None, [("a", value)])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0u"),
        (-1, "0u"),
        (1e-9, "1u"),
        (0.25, "250000u"),
        (100, "100000m"),
        (100_000, "100000S"),
        (1e8, "1666667M"),
        (1e13, "99999999H"),
    ],
)
def test_a_timeout_is_written_in_the_finest_unit_that_fits(seconds: float, text: str) -> None:
    assert metadata.format_timeout(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1H", 3600.0),
        ("2M", 120.0),
        ("3S", 3.0),
        ("250m", 0.25),
        ("", None),
        ("S", None),
        ("1", None),
        ("1x", None),
        ("123456789S", None),
        ("-1S", None),
        ("٣S", None),
    ],
)
def test_a_timeout_is_parsed_or_refused(text: str, seconds: float | None) -> None:
    assert metadata.parse_timeout(text) == seconds


def test_the_time_to_group_values_is_linear() -> None:
    def group(count: int) -> float:
        headers = (("name", "value"),) * count
        return cpu_seconds(lambda: metadata.parse_metadata(headers))

    # A quadratic time would be 256 times as long.
    assert group(160_000) < 64 * group(10_000)
