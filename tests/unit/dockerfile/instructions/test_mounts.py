"""Values in a Dockerfile: durations, mounts, platforms, and the time of an image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.dockerfile import DockerfileError
from llb.dockerfile.instructions.mounts import Mount, parse_flag, parse_mount
from llb.errors import Span

SPAN = Span(filename="Dockerfile", text="RUN", line=1, end_line=1, column=None, width=1)


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
