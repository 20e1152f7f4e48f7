"""Hostile files are converted or refused with a position, in time linear in their size."""

from __future__ import annotations

import pytest

from llb.dockerfile import DockerfileError, convert
from llb.errors import render
from tests.conformance.dockerfile.compared import IMAGES
from tests.timing import cpu_seconds

MANY = 200_000
# The most that a hostile file may take, as a multiple of a file with a thousand plain
# instructions. The slowest cases take a tenth of it.
WORTH = 80


HARMLESS = {
    "continuations": b"FROM scratch\nRUN a \\\n" + b"b \\\n" * MANY,
    "empty continuations": b"FROM scratch\nRUN a \\\n" + b"\n" * MANY,
    "comments in an instruction": b"FROM scratch\nRUN a \\\n" + b"# x\n" * MANY + b"b\n",
    "comments": b"# x\n" * MANY + b"FROM scratch\n",
    "nesting": b"FROM scratch\nENV x=" + b"${a:-" * 10_000 + b"x" + b"}" * 10_000,
    "a deep chain of stages": b"FROM scratch AS s0\n"
    + b"".join(b"FROM s%d AS s%d\n" % (n, n + 1) for n in range(10_000)),
    "mounts": b"FROM scratch\nRUN " + b"--mount=target=/x " * 3_000 + b"x",
    "heredocs": b"FROM scratch\nCOPY "
    + b" ".join(b"<<E%d" % n for n in range(2_000))
    + b" /x\n"
    + b"".join(b"E%d\n" % n for n in range(2_000)),
    "brackets": b"FROM scratch\nCMD " + b"[" * 60_000,
    "pattern": b"FROM scratch\nENV v=" + b"a" * 60_000 + b"\nENV w=${v//*a*a*a*a*a*a*b/x}",
    "trimmed": b"FROM scratch\nENV v=" + b"a" * 60_000 + b"\nENV w=${v%%*a*a*a*b*c*}",
    "escapes": b"FROM scratch\nENV a=" + b"\\\\" * 30_000,
    "spaces": b"FROM scratch\nRUN x" + b" " * 60_000 + b"\\\n" + b" " * 60_000,
}


REFUSED = {
    "unterminated nesting": (b"FROM scratch\nENV x=" + b"${a:-" * 10_000, 2),
    "an unterminated heredoc": (b"FROM scratch\nRUN <<EOF\n" + b"line\n" * MANY, 2),
    "many unterminated heredocs": (b"FROM scratch\nRUN " + b"<<E " * 10_000 + b"\n", 2),
    "a line": (b"FROM scratch\nRUN " + b"x" * 70_000, 1),
    "binary": (bytes(range(256)) * 1_000, 1),
    "zeros": (b"\0" * MANY, 1),
    "newlines": (b"\n" * MANY, MANY),
    "a word": (b"FROM scratch\n" + b"X" * 60_000, 2),
    "a flag": (b"FROM scratch\nRUN --" + b"x" * 60_000 + b" x", 2),
    "fields": (b"FROM scratch\nRUN --mount=" + b"," * 60_000 + b" x", 2),
    "a stage index": (b"FROM scratch\nCOPY --from=" + b"9" * 6_000 + b" a b", 2),
    "a port": (b"FROM scratch\nEXPOSE " + b"9" * 60_000, 2),
    "a cycle": (
        b"".join(
            b"FROM scratch AS s%d\nCOPY --from=s%d / /\n" % (n, (n + 1) % 3_000)
            for n in range(3_000)
        ),
        2,
    ),
    "an image": (b"FROM " + b"a/" * 30_000 + b"x", 1),
    "a platform": (b"FROM --platform=" + b"a/" * 30_000 + b" x", 1),
}


def commands(count: int) -> bytes:
    """Write a file with this number of plain instructions."""
    return b"FROM scratch\n" + b"".join(b"RUN a %d\n" % number for number in range(count))


@pytest.fixture(scope="module")
def bound() -> float:
    """The CPU time limit for a hostile file, measured on this machine and in this run."""
    return WORTH * cpu_seconds(lambda: convert(commands(1_000), resolver=IMAGES))


@pytest.mark.parametrize("name", HARMLESS)
def test_a_large_file_is_converted(name: str, bound: float) -> None:
    assert cpu_seconds(lambda: convert(HARMLESS[name], resolver=IMAGES), runs=1) < bound


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_file_is_refused_with_its_position(name: str, bound: float) -> None:
    data, line = REFUSED[name]

    def refuse() -> None:
        with pytest.raises(DockerfileError) as caught:
            convert(data, resolver=IMAGES)
        assert caught.value.span is not None
        assert caught.value.span.line == line
        assert f"\nerror: Dockerfile:{line}:" in render(caught.value)

    assert cpu_seconds(refuse, runs=1) < bound


def test_the_time_is_linear_in_the_size_of_the_file() -> None:
    def convert_labelled(size: int) -> None:
        lines = (b"RUN a %d\nLABEL l=%d\n" % (number, number) for number in range(size))
        convert(b"FROM scratch\n" + b"".join(lines), resolver=IMAGES)

    # Sixteen times the lines take about sixteen times as long, not 256 times.
    few = cpu_seconds(lambda: convert_labelled(250))
    assert cpu_seconds(lambda: convert_labelled(4_000), runs=1) < 64 * few
