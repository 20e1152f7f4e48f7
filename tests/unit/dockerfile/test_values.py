"""Values in a Dockerfile: durations, mounts, platforms, and the time of an image."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb import Platform
from llb.dockerfile import ConvertOptions, DockerfileError
from llb.dockerfile.instructions.mounts import Mount, parse_flag, parse_mount
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import InvalidValueError, Span
from llb.gocompat.duration import format_duration, parse_duration

SECOND = 1_000_000_000
SPAN = Span(filename="Dockerfile", text="RUN", line=1, end_line=1, column=None, width=1)
ON_ARM = ConvertOptions(
    platform=Platform("linux", "arm64"),
    build_platform=Platform("linux", "arm64"),
    build_platforms=(Platform("linux", "arm64"), Platform("linux", "amd64")),
)


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("0", 0, "0s"),
        ("1h2m3s", 3723 * SECOND, "1h2m3s"),
        ("90m", 5400 * SECOND, "1h30m0s"),
        ("1.5s", 1_500_000_000, "1.5s"),
        ("61.05s", 61_050_000_000, "1m1.05s"),
        (".5ms", 500_000, "500\u00b5s"),
        ("1500\u00b5s", 1_500_000, "1.5ms"),
        ("7ns", 7, "7ns"),
        ("+1.m", 60 * SECOND, "1m0s"),
    ],
)
def test_durations_are_read_and_written(text: str, nanoseconds: int, shown: str) -> None:
    assert parse_duration(text) == nanoseconds
    assert format_duration(nanoseconds) == shown


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_duration_is_read_as_it_is_written(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1s2", "--1s", "1 s", "9999999999h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def mount(text: str) -> Mount:
    """Return a mount of which nothing is expanded."""
    return parse_mount(parse_flag(text, SPAN), str)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10", 10),
        ("10b", 10),
        ("1k", 1024),
        ("1Kb", 1024),
        ("1.5MiB", 1536 * 1024),
        ("2 g", 2 * 1024**3),
        ("1e3", 1000),
    ],
)
def test_sizes_have_units_of_1024(text: str, size: int) -> None:
    assert mount(f"type=tmpfs,target=/t,size={text}").size == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1x", "1kib2", "1bb", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(DockerfileError, match="invalid value for size"):
        mount(f"type=tmpfs,target=/t,size={text}")


def test_mounts_are_writable_by_type_unless_they_say() -> None:
    texts = ["target=/x", "type=cache,target=/x", "rw,target=/x", "type=cache,rw=0", "ro=F"]
    assert [mount(text).readonly for text in texts] == [True, False, False, True, False]


def test_fields_of_a_mount_may_be_quoted() -> None:
    flag = parse_flag('"target=/a,""b""",from=Stage', SPAN)
    assert (flag.fields, flag.stage) == (('target=/a,"b"', "from=Stage"), "Stage")


@given(st.text(alphabet='",=a/$ \n', max_size=20))
def test_any_mount_is_read_or_refused(text: str) -> None:
    try:
        mount(text)
    except DockerfileError as error:
        assert error.span is SPAN  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("x86_64", Platform("linux", "amd64")),
        ("Linux", Platform("linux", "arm64")),
        ("linux/arm", Platform("linux", "arm")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("arm64", Platform("linux", "arm64")),
        ("linux/arm64/v8", Platform("linux", "arm64", "v8")),
    ],
)
def test_platforms_are_those_that_docker_reads(text: str, platform: Platform) -> None:
    assert ON_ARM.parse_platform(text) == platform


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        ON_ARM.parse_platform("plan9")


def test_an_image_says_its_platform_where_the_daemon_builds_for_it() -> None:
    assert ON_ARM.detect_platform(Platform("linux", "amd64")) == Platform("linux", "amd64")
    assert ON_ARM.detect_platform(Platform("linux", "s390x")) == Platform("linux", "arm64")


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
