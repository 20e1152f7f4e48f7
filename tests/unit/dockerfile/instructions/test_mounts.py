"""The fields of RUN --mount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.dockerfile import DockerfileError
from llb.dockerfile.instructions.mounts import Mount, parse_flag, parse_mount
from llb.errors import Span

SPAN = Span(filename="Dockerfile", text="RUN", line=1, end_line=1, column=None, width=1)


def mount(flag: str) -> Mount:
    """Parse a mount without expanding variables."""
    return parse_mount(parse_flag(flag, SPAN), str)


@pytest.mark.parametrize(
    ("value", "size"),
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
def test_sizes_have_units_of_1024(value: str, size: int) -> None:
    assert mount(f"type=tmpfs,target=/t,size={value}").size == size


@pytest.mark.parametrize("value", ["", "k", "-1", "1x", "1kib2", "1bb", "0x10"])
def test_an_invalid_size_is_refused(value: str) -> None:
    with pytest.raises(DockerfileError, match="invalid value for size"):
        mount(f"type=tmpfs,target=/t,size={value}")


def test_the_type_of_a_mount_decides_whether_it_is_writable_by_default() -> None:
    flags = ["target=/x", "type=cache,target=/x", "rw,target=/x", "type=cache,rw=0", "ro=F"]
    assert [mount(flag).readonly for flag in flags] == [True, False, False, True, False]


def test_fields_of_a_mount_may_be_quoted() -> None:
    flag = parse_flag('"target=/a,""b""",from=Stage', SPAN)
    assert (flag.fields, flag.stage) == (('target=/a,"b"', "from=Stage"), "Stage")


@given(st.text(alphabet='",=a/$ \n', max_size=20))
def test_any_mount_is_parsed_or_refused(flag: str) -> None:
    try:
        mount(flag)
    except DockerfileError as error:
        assert error.span is SPAN  # noqa: PT017 - either outcome is right
