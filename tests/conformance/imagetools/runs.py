"""Run a case on a new registry, and record what it printed and what the registry has then."""

from __future__ import annotations

import json
import shutil
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.conformance.imagetools.cases import Case
    from tests.fakes.registry import FakeRegistry, Store

Program: TypeAlias = "Callable[[Sequence[str]], tuple[int, bytes, str]]"
"""Runs the arguments of a program; returns its exit code, standard output and error."""

HOST = "registry.test"


def run(case: Case, program: Program, folder: Path) -> dict[str, Any]:
    """Run a case; its errors are only told by ``failed``, because they are worded differently."""
    with fake_registry() as registry:
        fill(registry)
        before = _tags(registry)
        values = _values(registry, folder)
        for name, text in case.files.items():
            (folder / name).write_text(_replaced(text, values))
        if case.first:
            program([_replaced(text, values) for text in case.first])
        code, stdout, stderr = program([_replaced(text, values) for text in case.arguments])
        record: dict[str, Any] = {"failed": code != 0}
        if stdout and not code:
            text = stdout.decode().replace(registry.host, HOST).replace(str(folder), "{d}")
            record["stdout"] = _in_order(text)
        tags = {name: tag for name, tag in _tags(registry).items() if before.get(name) != tag}
        if tags:
            record["tags"] = tags
            record["contents"] = _contents(registry)
        if (folder / "meta").exists():
            metadata = (folder / "meta").read_text()
            record["metadata"] = metadata.replace(registry.host, HOST)
            (folder / "meta").unlink()
        if (folder / "layout").exists():
            record["layout"] = _layout(folder / "layout")
            shutil.rmtree(folder / "layout")
        if code:
            record["error"] = stderr.replace(registry.host, HOST).replace(str(folder), "{d}")
        return record


def _values(registry: FakeRegistry, folder: Path) -> dict[str, str]:
    store = registry.repository(REPOSITORY)
    values = {"r": registry.host, "d": str(folder)}
    for tag in ("amd64", "arm64"):
        digest = store.tags[tag]
        values |= {tag: digest, f"size-{tag}": str(len(store.manifests[digest][1]))}
    return values


def _replaced(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _tags(registry: FakeRegistry) -> dict[str, str]:
    return {
        f"{name}:{tag}": store.manifests[digest][1].decode()
        for name, store in registry.repositories.items()
        for tag, digest in store.tags.items()
    }


def _contents(registry: FakeRegistry) -> dict[str, list[str]]:
    """List the digests that the repositories have, but not those of the images of the registry."""
    return {
        name: _digests(store)
        for name, store in sorted(registry.repositories.items())
        if name != REPOSITORY and (store.manifests or store.blobs)
    }


def _digests(store: Store) -> list[str]:
    return sorted({*store.manifests, *store.blobs})


def _layout(folder: Path) -> dict[str, Any]:
    """List what a layout has; the index is JSON, in which the order of keys means nothing."""
    return {
        "index": json.loads((folder / "index.json").read_text()),
        "version": json.loads((folder / "oci-layout").read_text()),
        "blobs": sorted(path.name for path in (folder / "blobs").glob("*/*")),
    }


def _in_order(text: str) -> str:
    """Sort the annotations in a text, which Go prints in a random order."""
    groups = [list(group) for _, group in groupby(text.splitlines(True), _is_annotation)]
    return "".join(
        line for group in groups for line in (sorted(group) if _is_annotation(group[0]) else group)
    )


def _is_annotation(line: str) -> bool:
    return line.startswith("    vnd.")


def encode(records: dict[str, Any]) -> str:
    """Encode records, one line for each value."""
    return json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
