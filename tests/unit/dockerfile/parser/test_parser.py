"""Parsing a Dockerfile into nodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llb.dockerfile import DockerfileError, parse
from tests.timing import cpu_seconds


def test_heredocs_are_read_in_order() -> None:
    text = b"RUN <<A && cat <<-'B'\none\nA\n\ttwo\n\tB\n"
    (node,) = parse(text, "Dockerfile").nodes
    assert [(heredoc.name, heredoc.expand, heredoc.chomped) for heredoc in node.heredocs] == [
        ("A", True, "one\n"),
        ("B", False, "two\n"),
    ]
    assert node.lines == (1, 5)


def test_a_long_continuation_takes_linear_time() -> None:
    def read(lines: int) -> None:
        (_, node) = parse(b"FROM x\nRUN a" + b" \\\n b" * lines, "Dockerfile").nodes
        assert node.lines == (2, lines + 2)

    # Sixteen times the lines take about sixteen times as long, not 256 times.
    assert cpu_seconds(lambda: read(200_000), runs=1) < 64 * cpu_seconds(lambda: read(12_500))


def test_a_long_chain_of_triggers_is_parsed() -> None:
    text = "FROM x\n" + "ONBUILD " * 5000 + 'CMD ["a"]\n'
    node = parse(text.encode(), "Dockerfile").nodes[1]
    assert (node.name, node.json) == ("ONBUILD", True)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        parse(data, "Dockerfile")
    except DockerfileError as error:
        assert error.span is not None  # noqa: PT017 - either outcome is right
