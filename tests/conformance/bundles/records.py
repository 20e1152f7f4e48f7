"""Build records of a daemon with everything that a record may have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from google.protobuf import any_pb2
from google.rpc import status_pb2

from llb._pb import control_pb2 as pb
from tests.fakes.registry import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
TRACE = "application/vnd.buildkit.otlp.json.v0"
LOG = "application/vnd.buildkit.status.v0"

_CONTEXT = {
    "TraceID": "0123456789abcdef0123456789abcdef",
    "SpanID": "0123456789abcdef",
    "TraceFlags": "01",
    "TraceState": "",
    "Remote": False,
}
_SPAN = {
    "Name": "step <1>",
    "SpanContext": _CONTEXT,
    "Parent": {**_CONTEXT, "SpanID": "0000000000000000", "Remote": True},
    "SpanKind": 1,
    "StartTime": "2024-01-02T03:04:05.12Z",
    "EndTime": "2024-01-02T03:04:06Z",
    "Attributes": [
        {
            "Key": "command",
            "Value": {"Type": "STRING", "Value": "a token=s3cret,b SESSION_TOKEN=x y"},
        },
        {
            "Key": "github",
            "Value": {"Type": "STRING", "Value": f"ghs_{'a' * 36} github_pat_{'b' * 82}"},
        },
        {"Key": "number", "Value": {"Type": "INT64", "Value": 7}},
        {"Key": "flag", "Value": {"Type": "BOOL", "Value": True}},
    ],
    "Events": [
        {
            "Name": "event",
            "Attributes": [{"Key": "k", "Value": {"Type": "STRING", "Value": "token=kept"}}],
            "DroppedAttributeCount": 0,
            "Time": "2024-01-02T03:04:05.5Z",
        },
        {
            "Name": "bare",
            "Attributes": None,
            "DroppedAttributeCount": 0,
            "Time": "2024-01-02T03:04:05Z",
        },
    ],
    "Links": None,
    "Status": {"Code": "Unset", "Description": ""},
    "DroppedAttributes": 0,
    "DroppedEvents": 0,
    "DroppedLinks": 0,
    "ChildSpanCount": 2,
    "Resource": [{"Key": "service.name", "Value": {"Type": "STRING", "Value": "buildkitd"}}],
    "InstrumentationScope": {"Name": "s", "Version": "", "SchemaURL": "", "Attributes": {}},
    "InstrumentationLibrary": {"Name": "", "Version": "", "SchemaURL": "", "Attributes": None},
}
SPANS = "".join(json.dumps(span) + "\n" for span in (_SPAN, {**_SPAN, "Attributes": []})).encode()
BLOBS = {
    digest_of(blob): blob
    for blob in (SPANS, b"log", b"provenance", b"sbom", b'{"manifests": []}', b"manifest", b"error")
}


def records() -> list[pb.BuildHistoryRecord]:
    """Build the records, the newest first; the last has not ended."""
    return [_full(), _plain("plain", 1_000), _running()]


def _full() -> pb.BuildHistoryRecord:
    caches = [
        {"Type": "gha", "Attrs": {"scope": "<s>", "token": "s3cret", "url": "u"}},
        {"Type": "registry", "Attrs": {"ref": "r", "insecure": "true"}},
    ]
    record = _plain("full", 2_000)
    record.Frontend = "dockerfile.v0"
    record.FrontendAttrs.update(
        {"target": "a", "build-arg:B": "<b>&", "cache-imports": json.dumps(caches)}
    )
    record.Exporters.add(Type="image", Attrs={"name": "app", "push": "true"})
    record.Exporters.add(Type="local")
    record.error.CopyFrom(
        status_pb2.Status(
            code=2, message="failed", details=[any_pb2.Any(type_url="t", value=b"\0\xff")]
        )
    )
    record.CreatedAt.nanos = 120_000_000
    record.logs.CopyFrom(_blob(b"log", LOG))
    record.trace.CopyFrom(_blob(SPANS, TRACE, {"a": "b"}))
    record.externalError.CopyFrom(
        _blob(b"error", "application/vnd.googeapis.google.rpc.status+proto")
    )
    record.ExporterResponse.update({"containerimage.digest": digest_of(b"manifest")})
    record.Result.Attestations.append(
        _blob(
            b"provenance", IN_TOTO, {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
        )
    )
    record.Result.Results[0].CopyFrom(_blob(b"manifest", MANIFEST, {"z": "1"}))
    record.Results["linux/amd64"].Attestations.extend(
        [_blob(b"sbom", IN_TOTO), _blob(b"provenance", IN_TOTO)]
    )
    record.Results["linux/amd64"].Results[1].CopyFrom(_blob(b'{"manifests": []}', MANIFEST))
    record.Generation, record.pinned = 3, True
    record.numCachedSteps, record.numTotalSteps, record.numCompletedSteps = 1, 3, 2
    record.numWarnings = 4
    return record


def _plain(ref: str, seconds: int) -> pb.BuildHistoryRecord:
    record = pb.BuildHistoryRecord(Ref=ref)
    record.CreatedAt.seconds = seconds
    record.CompletedAt.seconds = seconds + 5
    return record


def _running() -> pb.BuildHistoryRecord:
    record = _plain("running", 3_000)
    record.ClearField("CompletedAt")
    return record


def _blob(data: bytes, kind: str, annotations: Mapping[str, str] | None = None) -> pb.Descriptor:
    return pb.Descriptor(
        media_type=kind, digest=digest_of(data), size=len(data), annotations=annotations
    )
