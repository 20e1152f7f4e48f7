"""The provenance of a build in the history, as it is and as in buildx's metadata files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llb._pb import control_pb2
from llb.client.records.provenance import read_provenance, to_slsa02
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT = "application/vnd.in-toto+json"
SLSA1 = {
    "buildDefinition": {
        "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        "externalParameters": {
            "configSource": {"uri": "https://example.com/app.git", "path": "Dockerfile"},
            "request": {"frontend": "dockerfile.v0", "args": {"target": "app"}},
        },
        "internalParameters": {
            "builderPlatform": "linux/amd64",
            "dockerfileVersion": "1.28.0",
            "buildConfig": {"llbDefinition": []},
        },
        "resolvedDependencies": [
            {"uri": "pkg:docker/busybox", "digest": {"sha256": "a"}, "name": "other"}
        ],
    },
    "runDetails": {
        "builder": {"id": "me"},
        "metadata": {
            "invocationId": "ref",
            "startedOn": "2026-01-01T00:00:00Z",
            "buildkit_metadata": {"vcs": {"revision": "abc"}},
            "buildkit_completeness": {"request": True, "resolvedDependencies": False},
        },
    },
}
SLSA02 = {
    "builder": {"id": "me"},
    "buildType": "https://mobyproject.org/buildkit@v1",
    "materials": [{"uri": "pkg:docker/busybox", "digest": {"sha256": "a"}}],
    "invocation": {
        "configSource": {"uri": "https://example.com/app.git", "entryPoint": "Dockerfile"},
        "parameters": {"frontend": "dockerfile.v0", "args": {"target": "app"}},
        "environment": {"platform": "linux/amd64", "dockerfileVersion": "1.28.0"},
    },
    "buildConfig": {"llbDefinition": []},
    "metadata": {
        "buildInvocationID": "ref",
        "buildStartedOn": "2026-01-01T00:00:00Z",
        "completeness": {"parameters": True, "environment": True, "materials": False},
        "reproducible": False,
        "https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"revision": "abc"}},
    },
}


def record(**results: str) -> control_pb2.BuildHistoryRecord:
    """Build a record whose results have a provenance with these digests."""
    message = control_pb2.BuildHistoryRecord()
    for platform, digest in results.items():
        result = message.Results[platform.replace("_", "/")] if platform else message.Result
        other = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
        result.Attestations.add(media_type=STATEMENT, digest="sbom", annotations=other)
        kind = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
        result.Attestations.add(media_type=STATEMENT, digest=digest, annotations=kind)
    return message


def read_from(blobs: Mapping[str, Any]) -> Any:
    return lambda digest: json.dumps(blobs[digest]).encode()


def test_a_provenance_is_read_by_platform() -> None:
    read = read_from({"a": {"x": 1}, "b": {"y": 2}})
    assert read_provenance(record(**{"": "a"}), read) == {"": {"x": 1}}
    platforms = record(linux_amd64="a", linux_arm64="b")
    assert read_provenance(platforms, read) == {"linux/amd64": {"x": 1}, "linux/arm64": {"y": 2}}
    assert read_provenance(control_pb2.BuildHistoryRecord(), read) == {}


@pytest.mark.parametrize("data", [b"{", b"[]"])
def test_an_invalid_provenance_is_an_error(data: bytes) -> None:
    with pytest.raises(TransportError, match="invalid provenance from the daemon"):
        read_provenance(record(**{"": "a"}), lambda _: data)


def test_a_predicate_is_converted_to_the_version_of_metadata_files() -> None:
    assert to_slsa02(SLSA1, minimal=False) == SLSA02
    assert to_slsa02(SLSA02, minimal=False) == SLSA02


def test_a_minimal_predicate_has_no_steps_and_no_metadata() -> None:
    expected = {key: SLSA02[key] for key in SLSA02 if key not in ("buildConfig", "metadata")}
    assert to_slsa02(SLSA1, minimal=True) == expected
    assert to_slsa02(SLSA02, minimal=True) == expected


@pytest.mark.parametrize(
    "predicate",
    [
        {"buildDefinition": []},
        {"buildDefinition": {"internalParameters": 1}},
        {"buildDefinition": {"resolvedDependencies": [1]}},
        {"buildDefinition": {}, "runDetails": {"metadata": 1}},
    ],
)
def test_a_predicate_of_another_form_is_an_error(predicate: dict[str, Any]) -> None:
    with pytest.raises(TransportError, match="unexpected values"):
        to_slsa02(predicate, minimal=True)
