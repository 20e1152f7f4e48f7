"""Dockerfile builds by the frontend, from the options of a client to the result."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from llb import Definition, Image, State, files
from llb.dockerfile import ImageTable, ResolvedImage, convert
from llb.errors import render
from llb.frontend.build import build
from llb.gateway import Gateway, Request, Result
from llb.testing.determinism import assert_deterministic
from llb.testing.failures import Failed
from llb.testing.gateway import Outcome, run_frontend
from llb.testing.graphs import (
    assert_before,
    assert_independent,
    assert_runs,
    assert_same,
    step,
    steps,
)
from llb.testing.images import ALPINE, DISTROLESS, KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.testing.golden import Golden

APP = """\
FROM alpine AS fetch
WORKDIR /src
COPY go.* ./
RUN --mount=type=cache,target=/go go mod download

FROM fetch AS build
ARG VERSION=dev
COPY . .
RUN --mount=type=secret,id=token go build -o /app -X $VERSION

FROM fetch AS test
RUN go vet ./...

FROM gcr.io/distroless/static:nonroot
COPY --from=build /app /app
ENTRYPOINT ["/app"]
"""


def built(dockerfile: str, options: Mapping[str, str] | None = None, **fields: object) -> Outcome:
    """Build a Dockerfile with some files next to it."""
    files = {"Dockerfile": dockerfile, ".dockerignore": "*.log\n", "go.mod": "module x\n"}
    return run_frontend(build, options, files=files, language="Dockerfile", **fields)  # type: ignore[arg-type]


def test_a_build_in_stages_is_as_it_was(golden: Golden) -> None:
    outcome = built(APP, {"build-arg:VERSION": "v1", "label:by": "me"})
    golden(outcome.definition)
    golden(json.dumps(outcome.image_config, indent=2) + "\n", "image config")
    # Images are resolved in parallel, in any order.
    golden("\n".join(sorted(outcome.calls)) + "\n", "calls")


def test_unneeded_stages_are_not_built() -> None:
    definition = built(APP).definition
    assert_before(definition, "go mod download", "go build")
    assert [step.label for step in steps(definition) if "go vet" in step.label] == []


def test_independent_stages_run_in_parallel() -> None:
    both = APP + "COPY --from=test /src /tested\n"
    assert_independent(built(both).definition, "go vet", "go build")


def test_ignored_files_are_not_sent() -> None:
    definition = built(APP, {"target": "build"}).definition
    context = step(definition, "load build context")
    assert json.loads(context.vertex.op["attrs"]["local.excludepatterns"]) == ["*.log"]


def test_onbuild_instructions_of_an_image_are_run() -> None:
    outcome = built("FROM example.com/onbuild\n")
    install = assert_runs(outcome.definition, "npm install")
    assert install.cwd == "/app"
    assert outcome.image_config["config"]["Cmd"] == ["node"]


def test_steps_use_the_user_and_the_directory_of_their_image() -> None:
    images = {**KNOWN, "base": DISTROLESS}
    process = assert_runs(built("FROM base\nRUN id\n", images=images).definition, "id")
    assert (process.user, process.cwd) == ("65532", "/home/nonroot")
    assert "SSL_CERT_FILE" in process.env


def test_each_platform_has_its_own_base_image() -> None:
    outcome = built(
        "FROM alpine\nARG TARGETARCH\nRUN make $TARGETARCH\n",
        {"platform": "linux/amd64,linux/arm64"},
    )
    platforms = {
        key: assert_runs(definition, "make").platform
        for key, definition in outcome.definitions.items()
    }
    assert platforms == {"linux/amd64": "linux/amd64", "linux/arm64": "linux/arm64"}
    metadata = outcome.checked().metadata
    config = json.loads(metadata["containerimage.config/linux/arm64"])
    assert config["architecture"] == "arm64"


def test_every_image_is_resolved_once() -> None:
    text = "FROM alpine AS a\nFROM alpine AS b\nFROM alpine\nCOPY --from=a / /a\nCOPY --from=b / /b"
    counts = Counter(call for call in built(text).calls if call.startswith("Resolve"))
    assert counts == {"ResolveSourceMeta docker-image://docker.io/library/alpine:latest": 1}


def test_a_named_context_replaces_a_stage() -> None:
    local = {"lib": {"x.h": "1", ".dockerignore": "*.o\n"}}
    options = {"context:lib": "local:lib", "target": "one"}
    outcome = built("FROM alpine AS one\nCOPY --from=lib x.h /\n", options, local_dirs=local)
    context = step(outcome.definition, "[context lib] load from client")
    assert context.vertex.op["identifier"] == "local://lib"
    assert json.loads(context.vertex.op["attrs"]["local.excludepatterns"]) == ["*.o"]


def test_an_input_of_the_client_is_a_context() -> None:
    inputs: dict[str, State] = {"made": files({"x": "1"})}
    outcome = built("FROM made\nRUN x\n", {"context:made": "input:made"}, inputs=inputs)
    assert_before(outcome.definition, "mkfile /x", "RUN x")


def test_a_build_is_forwarded_with_all_options() -> None:
    def other(request: Request, gateway: Gateway) -> Result:
        assert request.options["cmdline"] == "example.com/other:1 with words"
        assert request.options["target"] == "a"
        return Result(gateway.solve(Image("debian").run("other").marshal()))

    outcome = built(
        "# syntax=example.com/other:1 with words\nWORDS\n",
        {"target": "a"},
        frontends={"example.com/other:1": other},
    )
    assert_runs(outcome.definition, "other")
    assert outcome.solves[1].options["source"] == "example.com/other:1"


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("FROM nonesuch\n", "nonesuch: docker.io/library/nonesuch:latest: not found"),
        ("FROM alpine\nCOPPY a b\n", "unknown instruction: COPPY (did you mean COPY?)"),
        # A name that is not a stage is an image.
        ("FROM alpine\nCOPY --from=c / /\n", "c: docker.io/library/c:latest: not found"),
    ],
)
def test_an_error_is_shown_at_its_line(dockerfile: str, message: str) -> None:
    outcome = built(dockerfile)
    assert outcome.error is not None
    assert message in outcome.error.message
    assert outcome.error.span is not None
    lines = render(outcome.error).splitlines()
    assert any(line.startswith(f"{outcome.error.span.line} | >>> ") for line in lines)


def test_a_missing_file_is_named() -> None:
    outcome = run_frontend(build, {"filename": "sub/File"}, files={})
    assert outcome.error is not None
    assert outcome.error.message == (
        "failed to read dockerfile: open sub/File: no such file or directory "
        "(hint: name the file in the option filename, relative to its directory)"
    )


def test_a_repository_that_cannot_be_fetched_is_an_error() -> None:
    fetch = "https://example.com/context.tar"
    outputs = {fetch: Failed(message="invalid response status 404")}
    outcome = run_frontend(build, {"context": fetch}, outputs=outputs)
    assert outcome.error is not None
    assert outcome.error.message == "invalid response status 404"


def test_a_context_in_an_archive_is_unpacked() -> None:
    head = b"Dockerfile".ljust(100, b"\0")
    outputs: dict[str, dict[str, bytes | str]] = {
        "[internal] load remote build context": {"context": b"\x1f\x8b\x08" + head},
        "copy /context /": {"Dockerfile": "FROM scratch\nCOPY a /\n"},
    }
    outcome = run_frontend(build, {"context": "https://example.com/x.tar.gz"}, outputs=outputs)
    assert_before(outcome.definition, "[internal] load remote build context", "COPY a /")


def converted() -> Definition:
    """Convert the example without a daemon."""
    image = ResolvedImage(f"sha256:{'0' * 64}", ALPINE.to_json())
    return convert(APP, resolver=ImageTable({"*": image})).definition


def test_a_conversion_is_the_same_under_any_hash_seed() -> None:
    assert_deterministic(converted, times=3)


def test_a_build_is_the_same_every_time() -> None:
    run = partial(built, APP, {"build-arg:VERSION": "v1", "label:b": "1", "label:a": "2"})
    assert_same(run().definition, run().definition)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("biulder", " (did you mean builder?)"),
        ("alpin", " (did you mean alpine?)"),
        ("nonesuch", ""),
    ],
)
def test_a_missing_image_may_be_a_mistyped_stage(name: str, suggested: str) -> None:
    text = f"FROM scratch AS builder\nFROM {name}\n"
    outcome = built(text, images={"scratch": KNOWN["alpine"]})
    assert outcome.error is not None
    assert outcome.error.message.startswith(f"{name}: ")
    assert outcome.error.message.partition(" (")[2] == suggested[2:]
