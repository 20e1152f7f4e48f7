"""Run the recorders with another version of BuildKit, and compare with what they recorded."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb import Definition, LLBError
from llb.compare import compare, render
from tests.conformance.llb.go import environment, program

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.conformance.bump.modules import Module

HERE = Path(__file__).parents[1]
PATTERNS = HERE / "patterns"
DOCKERFILE = HERE / "dockerfile"
MESSAGE_LINES = 12


@frozen
class Recording:
    """A recorder, which is a Go module, and the file with its output at the current version."""

    title: str
    recorder: Path
    recorded: Path
    arguments: tuple[str, ...] = ()


RECORDINGS = (
    Recording("graphs of client/llb", HERE / "llb/recorder", HERE / "llb/recorded.json"),
    Recording("names of client/llb", HERE / "llb/recorder", HERE / "llb/names.json", ("names",)),
    Recording(
        "Dockerfiles",
        DOCKERFILE / "recorder",
        DOCKERFILE / "recorded.json",
        (str(DOCKERFILE / "cases"),),
    ),
    Recording(
        "checks, outlines and targets",
        DOCKERFILE / "recorder/checks",
        DOCKERFILE / "checks.json",
        (str(DOCKERFILE / "checks"),),
    ),
    Recording(
        "patterns",
        PATTERNS / "recorder",
        PATTERNS / "recorded.json",
        ("patterns", str(PATTERNS / "cases.json")),
    ),
    Recording(
        "walks of directories",
        PATTERNS / "recorder",
        PATTERNS / "recorded_walks.json",
        ("walks", str(PATTERNS / "walks.json")),
    ),
)


def differences(recording: Recording, modules: Iterable[Module]) -> Iterator[str]:
    """List the cases that Go answers differently with these modules.

    A recorder that does not compile or run is one difference, with the beginning of its messages.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "recorder"
        shutil.copytree(recording.recorder, folder)
        required = (folder / "go.mod").read_text()
        wanted = [
            f"{module.path}@{module.version}" for module in modules if module.path in required
        ]
        process = _go(folder, "get", *wanted)
        if process.returncode == 0:
            process = _go(folder, "run", "-mod=mod", ".", *recording.arguments)
    if process.returncode:
        yield "the recorder fails:"
        yield from process.stderr.strip().splitlines()[:MESSAGE_LINES]
        return
    before = json.loads(recording.recorded.read_text())
    yield from _compare(before, json.loads(process.stdout))


def _go(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(), *arguments],
        cwd=folder,
        env=environment() | {"GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def _compare(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Compare two JSON values, down to the parts that differ."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _compare(before.get(key), after.get(key), f"{path} {key}".strip())
    elif _is_list_of_names(before) and _is_list_of_names(after):
        yield from (f"+ {path}: {name}" for name in after if name not in before)
        yield from (f"- {path}: {name}" for name in before if name not in after)
    elif (first := _definition(before)) is not None and (second := _definition(after)) is not None:
        if first.to_bytes() != second.to_bytes():
            yield f"{path}:"
            yield from textwrap.indent(render(compare(first, second)), "  ").splitlines()
    else:
        yield f"{path}: {_shortened(before)} -> {_shortened(after)}"


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _definition(value: Any) -> Definition | None:
    """Parse a recorded definition; None if the value is something else."""
    try:
        definition = Definition.from_bytes(base64.b64decode(value, validate=True))
    except (LLBError, TypeError, ValueError):
        return None
    return definition if definition.ops else None


def _shortened(value: Any, limit: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}…"
