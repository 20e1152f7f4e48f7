"""What the daemon keeps of a build: manifests and attestations, by platform and type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llb._pb import control_pb2
from llb.client import Attachment, Blob
from llb.client.records.attachments import list_attachments
from llb.errors import RemoteError, TransportError
from llb.grpc.status import Code

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STATEMENT = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"


def fill(result: control_pb2.BuildResultInfo, media_type: str, digest: str) -> None:
    result.Results[0].MergeFrom(
        control_pb2.Descriptor(media_type=media_type, digest=digest, size=3)
    )
    kind = {"in-toto.io/predicate-type": PROVENANCE}
    result.Attestations.add(media_type=STATEMENT, digest="p", size=2, annotations=kind)


def read_from(blobs: dict[str, Any]) -> Any:
    def read(digest: str) -> bytes:
        if digest not in blobs:
            raise RemoteError("not found", code=Code.NOT_FOUND)
        return json.dumps(blobs[digest]).encode()

    return read


def test_the_parts_of_an_index_have_their_platforms() -> None:
    record = control_pb2.BuildHistoryRecord()
    fill(record.Result, INDEX, "i")
    reference = {"vnd.docker.reference.type": "attestation-manifest"}
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    parts = [
        {"mediaType": MANIFEST, "digest": "m", "size": 1, "platform": platform},
        {"mediaType": MANIFEST, "digest": "a", "size": 1, "annotations": reference},
    ]
    assert list_attachments(record, read_from({"i": {"manifests": parts}})) == (
        Attachment(INDEX, None, Blob(INDEX, "i", 3)),
        Attachment(PROVENANCE, None, Blob(STATEMENT, "p", 2)),
        Attachment(MANIFEST, "linux/arm64", Blob(MANIFEST, "m", 1)),
    )


def test_results_are_listed_by_platform() -> None:
    record = control_pb2.BuildHistoryRecord()
    for platform in ("linux/arm64", "linux/amd64"):
        fill(record.Results[platform], MANIFEST, platform)
    listed = list_attachments(record, read_from({}))
    assert [(one.platform, one.type) for one in listed] == [
        ("linux/amd64", MANIFEST),
        ("linux/amd64", PROVENANCE),
        ("linux/arm64", MANIFEST),
        ("linux/arm64", PROVENANCE),
    ]


def test_an_index_that_the_daemon_has_removed_is_not_listed() -> None:
    record = control_pb2.BuildHistoryRecord()
    fill(record.Result, INDEX, "i")
    assert [one.type for one in list_attachments(record, read_from({}))] == [PROVENANCE]

    def fail(_: str) -> bytes:
        raise RemoteError("broken", code=Code.INTERNAL)

    with pytest.raises(RemoteError, match="broken"):
        list_attachments(record, fail)


@pytest.mark.parametrize(
    "index", [[], {"manifests": {"a": 1}}, {"manifests": [1]}, {"manifests": [{"digest": "a"}]}]
)
def test_an_invalid_index_is_an_error(index: object) -> None:
    record = control_pb2.BuildHistoryRecord()
    fill(record.Result, INDEX, "i")
    with pytest.raises(TransportError, match="invalid index from the daemon: unexpected values"):
        list_attachments(record, read_from({"i": index}))
    with pytest.raises(TransportError, match="it is not JSON"):
        list_attachments(record, lambda _: b"{")


def test_a_type_has_a_short_name() -> None:
    provenance = Attachment(PROVENANCE, None, Blob(STATEMENT, "p", 2))
    assert provenance.is_of("provenance")
    assert provenance.is_of(PROVENANCE)
    assert not provenance.is_of("sbom")
    assert Attachment(INDEX, None, Blob(INDEX, "i", 3)).is_of("index")
