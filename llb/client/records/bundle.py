"""Bundles of build records: an OCI layout in a compressed archive, which Docker Desktop imports.

A record is a manifest: its config is the record as JSON, its layers are the trace, the log, the
attestations and the descriptors of the results. Several records are in an index. The format is that
of ``docker buildx history export``, which the actions of GitHub write as ``.dockerbuild`` files.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import evolve, field, mutable

from llb.client.records import traces
from llb.client.registries.descriptors import OCI_INDEX, OCI_MANIFEST, Descriptor, digest_of
from llb.definition.message_dict import plain
from llb.errors import InputError
from llb.gocompat import json as gojson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llb._pb import control_pb2 as pb

_RECORD = "application/vnd.buildkit.historyrecord.v0"
_REFERENCE = "vnd.buildkit.history.reference"
# The type of a result is hidden, so that the blobs to which it refers are not looked for.
_HIDDEN_TYPE, _TYPE = "application/json", "vnd.export-build.descriptor.mediatype"
_CACHES = "cache-imports"
_KEPT = ("scope", "ref")
_BLOBS, _FOLDER_MODE = ("blobs/", "blobs/sha256/"), 0o755
_FILE_MODE, _INDEX_MODE = 0o444, 0o644


def write_bundle(
    file: BinaryIO,
    records: Sequence[pb.BuildHistoryRecord],
    read: Callable[[str], bytes],
    platform: str,
) -> None:
    """Write records as a bundle; ``read`` reads a blob of the daemon, whose own platform is named.

    Tokens in traces, and the attributes of caches that may be secret, are left out. Raises the errors
    of ``read``, InputError for an invalid trace or blob, and OSError.
    """
    bundle = _Bundle(read, platform)
    manifests = [bundle.add_record(record) for record in records]
    descriptor = manifests[0] if len(manifests) == 1 else bundle.add_index(records, manifests)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor.to_json()]}
    files = {
        "oci-layout": gojson.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
        "index.json": gojson.dumps(index).encode(),
    }
    files |= {f"blobs/{digest.replace(':', '/')}": blob for digest, blob in bundle.blobs.items()}
    with (
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for entry, content in _entries(files):
            archive.addfile(entry, io.BytesIO(content))


@mutable
class _Bundle:
    """The blobs of a bundle by their digests."""

    _read: Callable[[str], bytes]
    _platform: str
    blobs: dict[str, bytes] = field(factory=dict)

    def add_index(
        self, records: Sequence[pb.BuildHistoryRecord], manifests: Sequence[Descriptor]
    ) -> Descriptor:
        """Add an index of the manifests, with the names of their builds."""
        named = [
            evolve(manifest, annotations={_REFERENCE: record.Ref}).to_json()
            for record, manifest in zip(records, manifests, strict=True)
        ]
        return self._add_json(
            OCI_INDEX, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named}
        )

    def add_record(self, record: pb.BuildHistoryRecord) -> Descriptor:
        """Add a record with its blobs; return the descriptor of its manifest."""
        values = _to_json(plain(record))
        # By the digests that they have on the daemon.
        layers: dict[str, Descriptor] = {}
        if record.HasField("trace"):
            trace = self._add_trace(record.trace)
            layers[record.trace.digest] = trace
            values["trace"] |= {"digest": trace.digest, "size": trace.size}
        _keep_public_caches(values.get("FrontendAttrs", {}))
        values["DefaultPlatform"] = self._platform
        config = self._add_json(_RECORD, values)
        if record.HasField("logs"):
            self._add_blob(record.logs, layers)
        if record.HasField("Result"):
            self._add_result(record.Result, layers)
        if record.HasField("externalError"):
            self._add_blob(record.externalError, layers)
        for key in sorted(record.Results):
            self._add_result(record.Results[key], layers)
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers.values()] or None,
        }
        return self._add_json(OCI_MANIFEST, manifest)

    def _add_trace(self, trace: pb.Descriptor) -> Descriptor:
        content = traces.without_secrets(self._read_blob(trace.digest))
        return self._add(trace.media_type, content)

    def _add_result(self, result: pb.BuildResultInfo, layers: dict[str, Descriptor]) -> None:
        for attestation in result.Attestations:
            self._add_blob(attestation, layers)
        for key in sorted(result.Results):
            blob = result.Results[key]
            if blob.digest not in layers:
                self._add_blob(blob, layers)
                annotations = {**blob.annotations, _TYPE: blob.media_type}
                layers[blob.digest] = evolve(
                    layers[blob.digest], media_type=_HIDDEN_TYPE, annotations=annotations
                )

    def _add_blob(self, blob: pb.Descriptor, layers: dict[str, Descriptor]) -> None:
        """Add a blob of the daemon once."""
        if blob.digest not in layers:
            self.blobs[blob.digest] = self._read_blob(blob.digest)
            layers[blob.digest] = Descriptor(
                blob.media_type, blob.digest, blob.size, annotations=dict(blob.annotations)
            )

    def _read_blob(self, digest: str) -> bytes:
        content = self._read(digest)
        if digest_of(content, digest) != digest:
            raise InputError(f"the daemon's blob {digest} has other bytes")
        return content

    def _add_json(self, media_type: str, values: object) -> Descriptor:
        return self._add(media_type, gojson.marshal_indent(values).encode())

    def _add(self, media_type: str, content: bytes) -> Descriptor:
        descriptor = Descriptor(media_type, digest_of(content), len(content))
        self.blobs[descriptor.digest] = content
        return descriptor


def _entries(files: Mapping[str, bytes]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the entries of an archive, sorted by name, without times and owners."""
    for name in sorted({*files, *_BLOBS}):
        entry = tarfile.TarInfo(name)
        if name in _BLOBS:
            entry.type, entry.mode = tarfile.DIRTYPE, _FOLDER_MODE
            yield entry, b""
            continue
        entry.mode = _INDEX_MODE if name == "index.json" else _FILE_MODE
        entry.size = len(files[name])
        yield entry, files[name]


def _to_json(value: Any) -> Any:
    """Convert the fields of a message as Go's JSON has them: keys are strings, bytes are base64."""
    match value:
        case dict():
            # Go sorts the keys of maps as strings; fields of messages keep their order.
            is_map = any(not isinstance(key, str) for key in value)
            keys = sorted(value, key=str) if is_map else value
            return {str(key): _to_json(value[key]) for key in keys}
        case tuple():
            return [_to_json(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def _keep_public_caches(attributes: dict[str, str]) -> None:
    """Reduce the caches of a build to what names them; other attributes may be secret."""
    if _CACHES not in attributes:
        return
    try:
        caches = json.loads(attributes[_CACHES])
        kept = [
            {
                "Type": str(cache.get("Type") or ""),
                "Attrs": {
                    key: cache["Attrs"][key] for key in sorted(_KEPT) if key in cache["Attrs"]
                },
            }
            for cache in caches
        ]
        attributes[_CACHES] = gojson.dumps(kept)
    except (ValueError, TypeError, AttributeError, KeyError):
        attributes[_CACHES] = ""
