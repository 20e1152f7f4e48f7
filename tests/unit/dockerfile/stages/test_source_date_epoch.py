"""SOURCE_DATE_EPOCH as a number, a context, or a stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from llb.dockerfile import ConvertOptions, DockerfileError
from llb.dockerfile.shell.expand import Expander
from llb.dockerfile.stages.source_date_epoch import find_epoch
from llb.errors import Span
from llb.frontend.build import build
from llb.gateway import SourceInfo
from llb.testing.gateway import Outcome, run_frontend

if TYPE_CHECKING:
    from collections.abc import Mapping


SPAN = Span(filename="Dockerfile", text="RUN", line=1, end_line=1, column=None, width=1)


def epoch(value: str) -> datetime | None:
    return find_epoch(value, (), {}, ConvertOptions(), Expander(), SPAN)


def test_the_epoch_is_a_number_of_seconds() -> None:
    assert epoch("1700000000") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert epoch("-1") == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert epoch("") is None


@pytest.mark.parametrize("value", ["soon", "1.5", "9" * 18, "9" * 30, " 1", "\u0661"])
def test_an_invalid_epoch_is_refused(value: str) -> None:
    with pytest.raises(DockerfileError, match="invalid SOURCE_DATE_EPOCH"):
        epoch(value)


def test_a_directory_has_no_epoch() -> None:
    assert epoch("context") is None


NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
NUMBER = str(int(NOW.timestamp()))
TAIL = "FROM scratch\nCOPY a /\n"
FILE = "https://example.com/a.tar"
COMMIT = f"tree 1\nauthor A <a@b> 1 +0000\ncommitter C <c@d> {NUMBER} +0200\n\ntext\n".encode()


def run(
    dockerfile: str, value: str, options: Mapping[str, str] | None = None, **inputs: object
) -> Outcome:
    files = {"Dockerfile": dockerfile, "a": "1"}
    return run_frontend(
        build,
        {"build-arg:SOURCE_DATE_EPOCH": value, **(options or {})},
        files=files,
        **inputs,  # type: ignore[arg-type]
    )


def time_of(outcome: Outcome) -> datetime | None:
    """Read the creation time that the frontend requests for the image."""
    value = outcome.checked().metadata.get("source.date.epoch")
    return None if value is None else datetime.fromtimestamp(int(value), UTC)


def time_of_stage(
    stage: str, sources: Mapping[str, SourceInfo], options: Mapping[str, str] | None = None
) -> datetime | None:
    """Build an image with the time of the stage ``source``, and read its creation time."""
    return time_of(run(stage + TAIL, "source", options, sources=sources))


def error_of(dockerfile: str, value: str = "source") -> str:
    error = run(dockerfile, value).error
    assert error is not None
    return error.message


SOURCE = "ARG V=1\nFROM scratch AS source\nARG NAME=a\n"
HTTP = {FILE: SourceInfo(modified=NOW)}
GIT = {"git://github.com/a/b.git#v1": SourceInfo(commit=COMMIT)}


def test_a_number_of_seconds_is_the_time_of_the_image() -> None:
    outcome = run(
        "FROM scratch\nCOPY a /\nARG SOURCE_DATE_EPOCH\nENV E=$SOURCE_DATE_EPOCH\n", NUMBER
    )
    assert time_of(outcome) == NOW
    assert outcome.image_config["config"]["Env"][-1] == f"E={NUMBER}"


def test_an_empty_value_sets_no_time() -> None:
    assert time_of(run(TAIL, "")) is None


@pytest.mark.parametrize("value", ["1.5", "9223372036854775808", "none", "12345678901234567890"])
def test_a_value_that_is_neither_a_number_nor_a_name_is_refused(value: str) -> None:
    assert error_of(TAIL, value) == (
        f"invalid SOURCE_DATE_EPOCH: {value} "
        "(hint: expected seconds since 1970, the word context, or the name of a context or a stage)"
    )


def test_a_local_context_has_no_time() -> None:
    assert time_of(run(TAIL, "context")) is None


def test_a_repository_as_the_context_has_the_time_of_its_commit() -> None:
    outcome = run_frontend(
        build,
        {
            "build-arg:SOURCE_DATE_EPOCH": "context",
            "context": "https://github.com/a/b.git#v1",
        },
        outputs={
            "[internal] load git source https://github.com/a/b.git#v1": {
                "Dockerfile": TAIL,
                "a": "1",
            }
        },
        sources=GIT,
    )
    assert time_of(outcome) == NOW
    (resolved,) = (call for call in outcome.calls if call.startswith("ResolveSourceMeta"))
    assert resolved == "ResolveSourceMeta git://github.com/a/b.git#v1"


def test_a_named_context_has_the_time_of_its_source() -> None:
    outcome = run(
        TAIL,
        "lib",
        {"context:lib": "https://github.com/a/b.git#v1"},
        sources=GIT,
    )
    assert time_of(outcome) == NOW


def test_a_named_context_in_a_directory_has_no_time() -> None:
    outcome = run(TAIL, "lib", {"context:lib": "local:lib"}, local_dirs={"lib": {"x": "1"}})
    assert time_of(outcome) is None


@pytest.mark.parametrize("value", ["source", "SOURCE"])
def test_a_stage_has_the_time_of_the_file_that_it_adds(value: str) -> None:
    text = f"FROM scratch AS other\nCOPY a /\nFROM scratch AS Source\nADD {FILE} /\n{TAIL}"
    assert time_of(run(text, value, sources=HTTP)) == NOW


def test_a_stage_has_the_time_of_the_repository_that_it_adds() -> None:
    stage = f"{SOURCE}ADD https://github.com/$NAME/b.git#v$V /\n"
    assert time_of_stage(stage, GIT) == NOW


def test_build_args_choose_the_source_of_a_stage() -> None:
    stage = f"{SOURCE}ADD https://example.com/$NAME.tar /\n"
    sources = {"https://example.com/b.tar": SourceInfo(modified=NOW)}
    time = time_of_stage(stage, sources, {"build-arg:NAME": "b"})
    assert time == NOW


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("FROM alpine AS source\n", "must use FROM scratch"),
        (SOURCE, "must contain exactly one remote ADD"),
        (f"{SOURCE}ADD {FILE} /\nADD {FILE} /\n", "must contain exactly one remote ADD"),
        (f"{SOURCE}ADD {FILE} {FILE} /\n", "must contain exactly one remote ADD source"),
        (f"{SOURCE}ADD <<x /\nx\n", "must contain exactly one remote ADD source"),
        (f"{SOURCE}ADD a /\n", "source must be a single HTTP(S) or Git ADD"),
        (
            f"{SOURCE}RUN true\n",
            "does not meet source-only requirements: unsupported RUN instruction",
        ),
        (
            f"{SOURCE}copy a /\n",
            "does not meet source-only requirements: unsupported COPY instruction",
        ),
    ],
)
def test_a_stage_that_is_not_a_single_source_is_refused(stage: str, reason: str) -> None:
    assert error_of(stage + TAIL) == f"SOURCE_DATE_EPOCH stage {reason}"


def test_an_unset_required_variable_is_reported_at_its_stage() -> None:
    stage = "FROM scratch AS source\nADD https://example.com/${X:?unset} /\n"
    message = error_of(stage + TAIL)
    assert message == 'failed to process "FROM scratch AS source": X: unset'


def test_an_invalid_checksum_is_refused() -> None:
    stage = f"{SOURCE}ADD --checksum=sha256:1 {FILE} /\n"
    assert error_of(stage + TAIL).startswith("invalid digest 'sha256:1'")


def test_a_repository_with_an_invalid_query_is_refused() -> None:
    stage = f"{SOURCE}ADD https://github.com/a/b.git?nonesuch=1 /\n"
    assert error_of(stage + TAIL) == 'unexpected query "nonesuch"'
