"""The build context and the Dockerfile: from the client, from a repository, from a URL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from llb import files
from llb.errors import RemoteError
from llb.frontend.build import build
from llb.gateway import Result, SourceInfo
from llb.testing.gateway import Outcome, run_frontend
from llb.testing.graphs import assert_runs, step, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.sources.inline_files import Content

DOCKERFILE = "FROM scratch\nCOPY a /\n"
WEB = "https://example.com/context"
GIT = "https://github.com/a/b.git#v1"
LOAD_GIT = f"[internal] load git source {GIT}"
LOAD_WEB = "[internal] load remote build context"
UNPACKED = "copy /context /"
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
TOO_LARGE = "# x\n" * (4 * 1024 * 1024) + "\n"


def run(
    options: Mapping[str, str] | None = None,
    client_files: Mapping[str, Content] | None = None,
    **fields: Any,
) -> Outcome:
    return run_frontend(build, options, files=client_files or {}, language="Dockerfile", **fields)


def source(outcome: Outcome, name: str) -> dict[str, Any]:
    """Get the attributes of a source by the name of its step."""
    attrs: dict[str, Any] = step(outcome.definition, name).vertex.op.get("attrs", {})
    return attrs


def error_of(outcome: Outcome) -> str:
    assert outcome.error is not None
    return outcome.error.message


# From the client.


def test_the_dockerfile_is_found_in_lower_case_too() -> None:
    assert_runs(run(client_files={"dockerfile": "FROM alpine\nRUN lower\n"}).definition, "lower")


@pytest.mark.parametrize(
    ("around", "patterns"),
    [
        ({}, []),
        ({".dockerignore": "*.log\n"}, ["*.log"]),
        ({".dockerignore": "*.log\n", "Dockerfile.dockerignore": "*.o\n"}, ["*.o"]),
    ],
)
def test_the_ignore_file_of_the_dockerfile_takes_precedence(
    around: dict[str, Content], patterns: list[str]
) -> None:
    outcome = run(client_files={"Dockerfile": DOCKERFILE, **around})
    excluded = source(outcome, "[internal] load build context").get("local.excludepatterns", "[]")
    assert json.loads(excluded) == patterns


def test_directories_may_have_other_sessions_and_names() -> None:
    outcome = run_frontend(
        build,
        {"dockerfilekey": "elsewhere", "local-sessionid:context": "other"},
        local_dirs={"elsewhere": {"Dockerfile": DOCKERFILE}, "context": {"a": "1"}},
    )
    assert source(outcome, "[internal] load build context")["local.session"] == "other"


def test_a_context_that_the_client_built_is_used_with_its_dockerfile() -> None:
    tree = files({"Dockerfile": "FROM alpine\nCOPY a /\nRUN built\n", "a": "1"})
    outcome = run(inputs={"context": tree, "dockerfile": tree})
    assert_runs(outcome.definition, "built")
    assert not any(
        "local://" in step.vertex.op.get("identifier", "") for step in steps(outcome.definition)
    )


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"Dockerfile": TOO_LARGE}, "failed to read dockerfile: Dockerfile"),
        (
            {"Dockerfile": TOO_LARGE, "dockerfile": DOCKERFILE},
            "failed to read dockerfile: Dockerfile",
        ),
        ({"Dockerfile": DOCKERFILE, ".dockerignore": TOO_LARGE}, ".dockerignore"),
        (
            {"Dockerfile": DOCKERFILE, "Dockerfile.dockerignore": TOO_LARGE},
            "Dockerfile.dockerignore",
        ),
    ],
)
def test_a_file_that_is_too_large_is_refused(files: Mapping[str, str], error: str) -> None:
    message = error_of(run(client_files=files))
    assert message == f"{error} exceeds maximum allowed size of 16777216 bytes"


def test_an_ignore_file_may_have_sixteen_mebibytes() -> None:
    client_files = {"Dockerfile": DOCKERFILE, ".dockerignore": TOO_LARGE[1:]}
    assert run(client_files=client_files).error is None


def test_a_build_without_a_context_needs_no_ignore_file() -> None:
    outcome = run_frontend(build, local_dirs={"dockerfile": {"Dockerfile": "FROM alpine\nRUN x\n"}})
    assert_runs(outcome.definition, "x")


# From a repository.


def test_a_repository_is_the_context_and_contains_the_dockerfile() -> None:
    outcome = run(
        {"context": GIT}, outputs={LOAD_GIT: {"Dockerfile": "FROM alpine\nCOPY . /\nRUN git\n"}}
    )
    assert_runs(outcome.definition, "git")
    attrs = source(outcome, LOAD_GIT)
    assert ("git.keepgitdir" in attrs, "git.mtime" in attrs) == (False, False)


def test_the_git_directory_and_commit_times_of_a_repository_are_kept_on_request() -> None:
    outcome = run(
        {
            "context": GIT,
            "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1",
            "build-arg:SOURCE_DATE_EPOCH": "1",
        },
        outputs={LOAD_GIT: {"Dockerfile": DOCKERFILE}},
    )
    attrs = source(outcome, LOAD_GIT)
    assert (attrs["git.keepgitdir"], attrs["git.mtime"]) == ("true", "commit")


@pytest.mark.parametrize(("value", "is_shown"), [("1", True), ("false", False), ("", False)])
def test_git_prints_its_advice_on_request(value: str, *, is_shown: bool) -> None:
    outcome = run(
        {"context": GIT, "context:lib": GIT, "build-arg:BUILDKIT_GIT_ADVICE": value},
        outputs={
            LOAD_GIT: {
                "Dockerfile": "FROM scratch\nCOPY --from=lib a /\nADD https://x.com/r.git /\n"
            }
        },
    )
    urls = ("https://github.com/a/b.git", "https://x.com/r.git")
    attrs = [
        step.vertex.op["attrs"]
        for step in steps(outcome.definition)
        if step.vertex.op.get("attrs", {}).get("git.fullurl") in urls
    ]
    assert [attr.get("git.advice") for attr in attrs] == ["true" if is_shown else None] * 2


def test_an_unknown_value_for_the_advice_of_git_is_refused() -> None:
    outcome = run({"build-arg:BUILDKIT_GIT_ADVICE": "yes"}, {"Dockerfile": DOCKERFILE})
    assert error_of(outcome) == (
        "failed to parse build-arg:BUILDKIT_GIT_ADVICE: "
        'strconv.ParseBool: parsing "yes": invalid syntax (hint: expected true or false)'
    )


def test_a_folder_of_a_repository_is_the_context() -> None:
    outcome = run(
        {"context": GIT, "contextsubdir": "sub"},
        outputs={LOAD_GIT: {"Dockerfile": "FROM scratch\nCOPY . /\n"}},
    )
    copies = [
        action["copy"]["src"]
        for step in steps(outcome.definition)
        for action in step.vertex.op.get("actions", ())
    ]
    assert copies == ["/sub", "/"]


def test_a_dockerfile_of_the_client_can_build_a_repository() -> None:
    outcome = run(
        {"context": GIT, "dockerfilekey": "dockerfile"},
        {"Dockerfile": "FROM alpine\nCOPY . /\nRUN ours\n"},
    )
    assert_runs(outcome.definition, "ours")


def test_an_unknown_query_of_a_repository_is_refused() -> None:
    message = error_of(run({"context": "https://github.com/a/b.git?nonesuch=1"}))
    assert message == 'unexpected query "nonesuch"'


# From a URL.


def test_a_file_at_a_url_is_the_dockerfile() -> None:
    outcome = run(
        {"context": WEB}, outputs={LOAD_WEB: {"context": "FROM alpine\nCOPY context /\nRUN web\n"}}
    )
    assert_runs(outcome.definition, "web")


@pytest.mark.parametrize("head", [GZIP, ZSTD])
def test_an_archive_at_a_url_is_the_context(head: bytes) -> None:
    outcome = run(
        {"context": WEB},
        outputs={LOAD_WEB: {"context": head}, UNPACKED: {"Dockerfile": DOCKERFILE}},
    )
    (unpacked,) = (
        action["copy"]
        for step in steps(outcome.definition)
        if step.label == UNPACKED
        for action in step.vertex.op["actions"]
    )
    assert unpacked["attemptUnpackDockerCompatibility"] is True


def time_of(outcome: Outcome) -> datetime | None:
    value = outcome.checked().metadata.get("source.date.epoch")
    return None if value is None else datetime.fromtimestamp(int(value), UTC)


@pytest.mark.parametrize(("modified", "expected"), [(NOW, NOW), (None, None)])
def test_the_time_of_an_archive_is_its_last_modified_header(
    modified: datetime | None, expected: datetime | None
) -> None:
    outcome = run(
        {"context": WEB, "build-arg:SOURCE_DATE_EPOCH": "context"},
        outputs={LOAD_WEB: {"context": GZIP}, UNPACKED: {"Dockerfile": DOCKERFILE}},
        sources={WEB: SourceInfo(modified=modified)},
    )
    assert time_of(outcome) == expected


# Named contexts.


def test_a_missing_named_context_is_an_error_at_the_line_that_uses_it() -> None:
    outcome = run({"context:lib": "docker-image://nonesuch"}, {"Dockerfile": "FROM lib\nRUN x\n"})
    assert error_of(outcome) == "docker.io/library/nonesuch:latest: not found"
    assert outcome.error is not None
    assert str(outcome.error.span) == "Dockerfile:1"


def test_an_image_in_an_oci_layout_is_a_named_context() -> None:
    digest = f"sha256:{'a' * 64}"
    outcome = run(
        {"context:lib": f"oci-layout://store@{digest}"},
        {"Dockerfile": "FROM lib\nRUN x\n"},
        images={f"oci-layout://docker.io/library/lib@{digest}": '{"config": {"Env": ["A=1"]}}'},
    )
    attrs = source(outcome, "[context lib] OCI load from client")
    assert attrs == {"oci.session": "session", "oci.store": "store"}
    assert assert_runs(outcome.definition, "x").env["A"] == "1"


@pytest.mark.parametrize("metadata", ["{", "[]", '{"containerimage.config": 1}'])
def test_invalid_metadata_of_an_input_is_refused(metadata: str) -> None:
    outcome = run(
        {"context:lib": "input:lib", "input-metadata:lib": metadata},
        {"Dockerfile": "FROM lib\nRUN x\n"},
        inputs={"lib": files({"a": "1"})},
    )
    assert error_of(outcome) == f"failed to parse input metadata {metadata}"


# Another frontend.


def test_a_failing_frontend_is_an_error_at_the_syntax_line() -> None:
    def failing(*_: object) -> Any:
        raise RemoteError("no such frontend", code=2)

    outcome = run(
        client_files={"Dockerfile": "# syntax=example.com/f\nFROM scratch\n"},
        frontends={"example.com/f": failing},
    )
    assert error_of(outcome) == "no such frontend"
    assert outcome.error is not None
    assert str(outcome.error.span) == "Dockerfile:1"


def test_the_client_can_choose_the_frontend() -> None:
    def failing(request: Any, _: object) -> Any:
        raise RemoteError(request.options["cmdline"], code=2)

    outcome = run(
        {"build-arg:BUILDKIT_SYNTAX": "example.com/f with words"},
        {"Dockerfile": DOCKERFILE},
        frontends={"example.com/f": failing},
    )
    assert error_of(outcome) == "example.com/f with words"


@pytest.mark.parametrize(
    ("caps", "message"),
    [
        ("moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests", None),
        ("", None),
        (
            "moby.buildkit.frontend.new",
            "unsupported frontend capability moby.buildkit.frontend.new",
        ),
        (
            "moby.buildkit.frontend.new+forward",
            "unsupported frontend capability moby.buildkit.frontend.new",
        ),
    ],
)
def test_missing_capabilities_are_refused(caps: str, message: str | None) -> None:
    outcome = run({"frontend.caps": caps}, {"Dockerfile": DOCKERFILE})
    assert (None if outcome.error is None else error_of(outcome)) == message


def test_a_capability_may_be_left_to_the_forwarded_frontend() -> None:
    def other(_: object, gateway: Any) -> Any:
        return Result(gateway.solve(files({"a": "1"}).marshal()))

    outcome = run(
        {"frontend.caps": "moby.buildkit.frontend.new+forward"},
        {"Dockerfile": "# syntax=example.com/f\n"},
        frontends={"example.com/f": other},
    )
    outcome.checked()
