"""Targets are called once per platform, and their trees become the images of a result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.testing.graphs import steps
from tests.unit.frontend.builds import APP, HEAD, error_of, run

if TYPE_CHECKING:
    from llb.testing.gateway import Outcome

TWO = f"""{HEAD}
@target
def base(build: Build) -> State:
    return build.image("alpine").run("make base")

@target(default=True)
def app(build: Build) -> State:
    tree = base().run("make app")
    return tree.copy(build.context(), "/src")
"""
SOURCES = ("docker-image://docker.io/library/alpine:latest", "local://context")


def marked(outcome: Outcome) -> dict[str, bool]:
    """Map the steps to whether they ignore the cache, by what they do."""
    definition = outcome.definition
    return {
        step.command or step.vertex.op.get("identifier", step.label).partition("@")[0]: (
            definition.metadata[step.digest].ignore_cache
        )
        for step in steps(definition)
    }


@pytest.mark.parametrize(
    ("options", "ignored"),
    [
        ({}, set()),
        ({"no-cache": ""}, {"make base", "make app", "copy / /src"}),
        ({"no-cache": "app"}, {"make app", "copy / /src"}),
        ({"no-cache": "BASE"}, {"make base"}),
        ({"no-cache": "base,app"}, {"make base", "make app", "copy / /src"}),
        ({"no-cache": "nonesuch"}, set()),
    ],
)
def test_no_cache_runs_steps_again_and_leaves_sources(
    options: dict[str, str], ignored: set[str]
) -> None:
    marks = marked(run(TWO, options))
    assert set(marks) == {*SOURCES, "make base", "make app", "copy / /src"}
    assert {name for name, is_ignored in marks.items() if is_ignored} == ignored


def test_a_target_is_called_for_each_platform() -> None:
    text = f"{APP}    return build.image('alpine').run(f'make {{build.platform}}')\n"
    outcome = run(text, {"platform": "linux/amd64,linux/arm64"})
    commands = {
        platform: [step.command for step in steps(definition) if step.kind == "exec"]
        for platform, definition in outcome.definitions.items()
    }
    assert commands == {
        "linux/amd64": ["make linux/amd64"],
        "linux/arm64": ["make linux/arm64"],
    }
    metadata = outcome.checked().metadata
    architectures = {
        key: json.loads(value)["architecture"]
        for key, value in metadata.items()
        if key.startswith("containerimage.config")
    }
    assert architectures == {
        "containerimage.config/linux/amd64": "amd64",
        "containerimage.config/linux/arm64": "arm64",
    }
    assert json.loads(metadata["refs.platforms"]) == {
        "Platforms": [
            {"ID": key, "Platform": {"os": "linux", "architecture": key.partition("/")[2]}}
            for key in ("linux/amd64", "linux/arm64")
        ]
    }


def test_a_build_knows_all_target_platforms() -> None:
    text = f"""{APP}    names = " ".join(map(str, build.platforms))
    return Scratch().mkfile("/a", f"{{build.build_platform}}: {{names}}")
"""
    outcome = run(text, {"platform": "linux/arm64,linux/s390x"})
    contents = {
        step.vertex.op["actions"][0]["mkfile"]["data"]
        for definition in outcome.definitions.values()
        for step in steps(definition)
    }
    assert contents == {b"linux/amd64: linux/arm64 linux/s390x"}


PLATFORMS = f"""{HEAD}
@target
def app() -> dict[str, State]:
    return {{name: Scratch().mkfile("/name", name) for name in ("linux/arm64", "linux/s390x")}}
"""


def test_a_target_may_return_a_tree_per_platform() -> None:
    assert list(run(PLATFORMS).definitions) == ["linux/arm64", "linux/s390x"]
    assert list(run(PLATFORMS, {"platform": "linux/s390x"}).definitions) == [""]
    config = run(PLATFORMS, {"platform": "linux/s390x"}).image_config
    assert config["architecture"] == "s390x"


def test_a_platform_that_a_target_does_not_build_for_is_refused() -> None:
    outcome = run(PLATFORMS, {"platform": "linux/arm64,linux/386"})
    assert error_of(outcome).message == (
        "the target does not build for linux/386 (hint: it builds for linux/arm64, linux/s390x)"
    )


NAMED = f"""{HEAD}
@target
def app(build: Build) -> dict[str, State]:
    return {{name: Scratch().mkfile("/name", str(build.platform)) for name in ("docs", "wheel")}}
"""


def test_trees_by_name_become_directories_of_one_tree() -> None:
    copies = [step for step in steps(run(NAMED).definition) if (step.name or "").startswith("coll")]
    assert [step.vertex.op["actions"][0]["copy"]["dest"] for step in copies] == [
        "/docs/",
        "/wheel/",
    ]


def test_trees_by_name_are_collected_for_each_platform() -> None:
    outcome = run(NAMED, {"platform": "linux/amd64,linux/arm64"})
    assert list(outcome.definitions) == ["linux/amd64", "linux/arm64"]


def test_the_image_has_its_own_labels_and_those_of_the_client() -> None:
    text = f"{APP}    return build.image('alpine').label('own', '1').label('both', '1')\n"
    outcome = run(text, {"label:client": "2", "label:both": "2"})
    assert outcome.image_config["config"]["Labels"] == {"own": "1", "both": "2", "client": "2"}


def test_the_image_is_for_the_requested_platform() -> None:
    text = f"{APP}    return build.image('alpine', platform='linux/arm64')\n"
    assert run(text, {"platform": "linux/s390x"}).image_config["architecture"] == "s390x"
    assert run(text).image_config["architecture"] == "arm64"


def test_the_time_of_the_image_is_that_of_source_date_epoch() -> None:
    text = f"{APP}    return Scratch().mkfile('/a', str(build.epoch))\n"
    outcome = run(text, {"build-arg:SOURCE_DATE_EPOCH": "1700000000"})
    assert outcome.checked().metadata["source.date.epoch"] == b"1700000000"
    (step,) = steps(outcome.definition)
    assert step.vertex.op["actions"][0]["mkfile"]["data"] == b"2023-11-14 22:13:20+00:00"


def test_an_invalid_source_date_epoch_is_refused() -> None:
    outcome = run(f"{APP}    return Scratch()\n", {"build-arg:SOURCE_DATE_EPOCH": "now"})
    assert error_of(outcome).message.startswith("invalid SOURCE_DATE_EPOCH: now")


def test_caches_are_imported_for_the_result() -> None:
    caches = [{"Type": "registry", "Attrs": {"ref": "example.com/cache"}}]
    outcome = run(f"{APP}    return Scratch().mkdir('/a')\n", {"cache-imports": json.dumps(caches)})
    assert outcome.solves[-1].cache_imports == (("registry", {"ref": "example.com/cache"}),)


def test_an_image_has_an_sbom_on_request() -> None:
    scanner = {"config": {"Entrypoint": ["/scan"], "Env": ["A=1"]}}
    outcome = run(
        f"{APP}    return Scratch().mkfile('/a', '1', name='the file')\n",
        {"attest:sbom": "generator=example.com/scanner,DEPTH=2"},
        images={"example.com/scanner": json.dumps(scanner)},
    )
    ((platform, attestations),) = outcome.checked().attestations.items()
    (attestation,) = attestations.attestation
    assert (platform, attestation.inTotoPredicateType) == (
        "linux/amd64",
        "https://spdx.dev/Document",
    )
    *_, scan = outcome.solves
    assert attestation.ref.id == scan.ref
    assert scan.definition is not None
    steps_by_name = {step.name: step for step in steps(scan.definition)}
    process = steps_by_name["[linux/amd64] generating sbom using example.com/scanner:latest"]
    assert process.args == ("/scan",)
    assert process.env == {
        "A": "1",
        "BUILDKIT_SCAN_DEPTH": "2",
        "BUILDKIT_SCAN_DESTINATION": "/run/out/",
        "BUILDKIT_SCAN_SOURCE": "/run/src/core/sbom",
    }
    assert steps_by_name["the file"] in process.inputs
