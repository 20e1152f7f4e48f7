"""``--metadata-file``: what a build has made, as JSON with the keys of buildctl and buildx."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from llb._lazy import lazy_imports
from llb.client.key_values import FALSE, environment_flag
from llb.client.results import SolveResult
from llb.errors import InputError, RemoteError
from llb.grpc.status import Code
from llb.local_files.atomic_write import write_whole

with lazy_imports(__name__):
    from llb.client.progress import raw_reports  # 0.2 ms
    from llb.client.records import provenance  # 1 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from llb.client import Client
    from llb.client.progress.raw_reports import Report

_MODE, _WARNINGS = "BUILDX_METADATA_PROVENANCE", "BUILDX_METADATA_WARNINGS"
_DISABLED, _MAX = "disabled", "max"
_PREFIX = "buildx.build."
_ANSWER = "result.json"


class Warnings:
    """The warnings of a build for its metadata file, if BUILDX_METADATA_WARNINGS asks for them."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._is_wanted = environment_flag(environ, _WARNINGS, default=False)
        self._warnings: list[Any] = []

    def listen(self, listener: Callable[[Report], None] | None) -> Callable[[Report], None] | None:
        """Wrap a listener in one that collects the warnings."""
        if not self._is_wanted:
            return listener

        def collect(report: Report) -> None:
            found = report.get("warnings")
            if isinstance(found, list):
                self._warnings += json.loads(raw_reports.to_line({"warnings": found}))["warnings"]
            if listener is not None:
                listener(report)

        return collect

    @property
    def entries(self) -> dict[str, object]:
        """The entry of the metadata file, if there are warnings."""
        return {f"{_PREFIX}warnings": self._warnings} if self._warnings else {}


def build_metadata(
    client: Client, result: SolveResult, environ: Mapping[str, str] = os.environ
) -> dict[str, object]:
    """Collect the metadata of an image build: the answers of exporters, its name, its provenance.

    The name ``BUILDER/NODE/REF`` is there if a builder has built it. Raises RemoteError.
    """
    metadata: dict[str, object] = dict(result.metadata)
    node = client._control.node
    if node is not None:
        metadata[f"{_PREFIX}ref"] = f"{node}/{result.ref}"
    mode = environ.get(_MODE, "")
    if mode != _DISABLED and mode not in FALSE:
        for platform, predicate in _recorded(client, result.ref).items():
            key = "/".join(filter(None, (f"{_PREFIX}provenance", platform)))
            metadata[key] = provenance.to_slsa02(predicate, minimal=mode != _MAX)
    return metadata


def answer_metadata(answer: Mapping[str, bytes]) -> dict[str, object]:
    """Convert the answer of a frontend to a subrequest."""
    texts = {key: value.decode(errors="replace") for key, value in answer.items()}
    metadata: dict[str, object] = dict(SolveResult(texts).metadata)
    try:
        metadata[_ANSWER] = json.loads(texts[_ANSWER])
    except (KeyError, ValueError, RecursionError):
        return metadata
    return metadata


def write_metadata(path: Path, metadata: Mapping[str, object]) -> None:
    """Write a metadata file, whole or not at all."""
    text = json.dumps(metadata, indent=2, sort_keys=True)
    write_whole(path, f"{text}\n".encode())


def _recorded(client: Client, ref: str) -> dict[str, dict[str, Any]]:
    try:
        return client.history().provenance(ref)
    except InputError:
        # The daemon keeps no records.
        return {}
    except RemoteError as error:
        # There is no history before BuildKit v0.11.
        if error.code != Code.UNIMPLEMENTED:
            raise
        return {}
