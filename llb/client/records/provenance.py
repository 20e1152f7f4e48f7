"""The provenance of a build in the history, and its form in the metadata files of buildx."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb._pb import control_pb2

Predicate: TypeAlias = "dict[str, Any]"

_STATEMENT = "application/vnd.in-toto+json"
_TYPE = "in-toto.io/predicate-type"
_PROVENANCE = "https://slsa.dev/provenance/"
_BUILD_TYPE = "https://mobyproject.org/buildkit@v1"
_METADATA = f"{_BUILD_TYPE}#metadata"
_HERMETIC = f"{_BUILD_TYPE}#hermetic"


def read_provenance(
    record: control_pb2.BuildHistoryRecord, read: Callable[[str], bytes]
) -> dict[str, Predicate]:
    """Read the provenance of a record by platform; a build of one platform has an empty name.

    ``read`` reads a blob by its digest. Raises TransportError for one that is not JSON.
    """
    return {
        platform: _decode(read(descriptor.digest)) for platform, descriptor in _descriptors(record)
    }


def to_slsa02(predicate: Predicate, *, minimal: bool) -> Predicate:
    """Convert a predicate to SLSA v0.2, the version in buildx's metadata files.

    A ``minimal`` one has neither the steps of the build nor its metadata. Raises TransportError for
    a predicate of another form.
    """
    try:
        converted = _from_slsa1(predicate) if "buildDefinition" in predicate else dict(predicate)
    except (AttributeError, TypeError, ValueError) as error:
        raise TransportError("invalid provenance from the daemon: unexpected values") from error
    if minimal:
        converted.pop("buildConfig", None)
        converted.pop("metadata", None)
    return converted


def _descriptors(
    record: control_pb2.BuildHistoryRecord,
) -> Iterator[tuple[str, control_pb2.Descriptor]]:
    results = dict(record.Results) or {"": record.Result}
    for platform, result in sorted(results.items()):
        for attestation in result.Attestations:
            kind = attestation.annotations.get(_TYPE, "")
            if attestation.media_type == _STATEMENT and kind.startswith(_PROVENANCE):
                yield platform, attestation
                break


def _decode(data: bytes) -> Predicate:
    try:
        predicate = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TransportError("invalid provenance from the daemon: it is not JSON") from error
    if not isinstance(predicate, dict):
        raise TransportError("invalid provenance from the daemon: it is not an object")
    return predicate


def _from_slsa1(predicate: Predicate) -> Predicate:
    definition, run = predicate["buildDefinition"], predicate.get("runDetails", {})
    external = definition.get("externalParameters", {})
    internal = dict(definition.get("internalParameters", {}))
    source = external.get("configSource", {})
    steps = internal.pop("buildConfig", None)
    platform = internal.pop("builderPlatform", "")
    internal.pop("targetPlatform", None)
    converted: Predicate = {
        "builder": {"id": run.get("builder", {}).get("id", "")},
        "buildType": _BUILD_TYPE,
        "materials": [
            {key: item[key] for key in ("uri", "digest") if key in item}
            for item in definition.get("resolvedDependencies") or ()
        ],
        "invocation": {
            "configSource": _without_empty(
                uri=source.get("uri"), digest=source.get("digest"), entryPoint=source.get("path")
            ),
            "parameters": external.get("request", {}),
            "environment": {"platform": platform, **internal},
        },
        "buildConfig": steps,
        "metadata": _metadata(run["metadata"]) if run.get("metadata") else None,
    }
    return _without_empty(**converted)


def _metadata(metadata: Predicate) -> Predicate:
    completeness = metadata.get("buildkit_completeness", {})
    return {
        **_without_empty(
            buildInvocationID=metadata.get("invocationId") or metadata.get("invocationID"),
            buildStartedOn=metadata.get("startedOn"),
            buildFinishedOn=metadata.get("finishedOn"),
        ),
        "completeness": {
            "parameters": completeness.get("request", False),
            "environment": True,
            "materials": completeness.get("resolvedDependencies", False),
        },
        "reproducible": metadata.get("buildkit_reproducible", False),
        _METADATA: metadata.get("buildkit_metadata", {}),
        **_without_empty(**{_HERMETIC: metadata.get("buildkit_hermetic")}),
    }


def _without_empty(**values: Any) -> Predicate:
    return {key: value for key, value in values.items() if value}
