"""Dockerfiles convert to the same operations as with BuildKit's own frontend, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llb import Definition, Platform
from llb.dockerfile import (
    Converted,
    ConvertOptions,
    DockerfileError,
    ImageRequest,
    ResolvedImage,
    convert_parsed,
    parse,
    parse_ignore,
)
from llb.dockerfile.image_table import resolve_purely
from llb.dockerfile.run_options import parse_process_options
from tests.conformance.dockerfile.compared import numbered_groups

HERE = Path(__file__).parent
CASES = HERE / "cases"
RECORDED: dict[str, Any] = json.loads((HERE / "recorded.json").read_text())
IMAGES: dict[str, str] = json.loads((CASES / "images.json").read_text())
OPTIONS: dict[str, Any] = json.loads((CASES / "options.json").read_text())
AMD64 = Platform("linux", "amd64")
NAMES = sorted(path.stem for path in CASES.glob("*.Dockerfile"))
# The capability of the daemon that matters here: it sets the default PATH.
CAPS = ["exec.meta.setsdefaultpath"]


def converted(name: str) -> Converted:
    """Convert a case as the recorder does."""
    case_options = OPTIONS.get(name, {})
    builds = tuple(map(Platform.parse, ["linux/amd64", *case_options.get("build_platforms", [])]))
    platform = Platform.parse(case_options["platform"]) if "platform" in case_options else AMD64
    no_cache = case_options.get("no_cache")
    ignore = case_options.get("ignore", "")
    # With either, the recorder converts with a session, as a daemon does.
    has_session = no_cache is not None or bool(ignore)
    options = ConvertOptions(
        target=case_options.get("target"),
        build_args=case_options.get("build_args", {}),
        labels=case_options.get("labels", {}),
        platform=platform,
        explicit_platform="platform" in case_options,
        build_platform=AMD64,
        build_platforms=builds,
        no_cache=frozenset(no_cache.lower().split(",")) if no_cache else no_cache is not None,
        ignore=parse_ignore(ignore.encode()),
        session_id="session" if has_session else None,
        unique_id=None if has_session else "unique",
        processes=parse_process_options(case_options.get("options", {})),
    )
    parsed = parse((CASES / f"{name}.Dockerfile").read_bytes(), "Dockerfile")
    return convert_parsed(
        parsed, options, lambda requests: resolve_purely(requests, resolver, options)
    )


def resolver(request: ImageRequest) -> ResolvedImage:
    """Look up an image in images.json, with a digest derived from its reference."""
    return ResolvedImage(
        digest="sha256:" + hashlib.sha256(request.ref.encode()).hexdigest(),
        config=IMAGES.get(request.ref, IMAGES["*"]).encode(),
    )


def test_every_case_is_recorded() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in RECORDED[name]])
def test_the_conversion_equals_that_of_go(name: str) -> None:
    ours = converted(name)
    theirs = Definition.from_bytes(base64.b64decode(RECORDED[name]["definition"]))
    definition = ours.state.marshal(platform=ours.platform, caps=CAPS, local_unique_id="unique")
    assert [vertex.op for vertex in definition.vertices()] == [
        vertex.op for vertex in theirs.vertices()
    ]
    assert definition.ops == theirs.ops
    assert numbered_groups(definition) == theirs.metadata
    assert definition.locations == theirs.locations
    assert definition.files == theirs.files
    assert ours.image_config.decode() == RECORDED[name]["config"]


@pytest.mark.parametrize("name", [name for name in NAMES if "error" in RECORDED[name]])
def test_a_file_that_go_refuses_is_refused_in_the_same_words_at_the_same_line(name: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        converted(name)
    assert caught.value.docker_words == RECORDED[name]["error"]
    line = RECORDED[name].get("line")
    if line:
        assert caught.value.span is not None
        assert caught.value.span.line == line


@pytest.mark.go
def test_the_recording_equals_the_output_of_go() -> None:
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    done = subprocess.run(
        [go, "run", ".", str(CASES)],
        cwd=HERE / "recorder",
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        check=True,
    )
    fresh = json.loads(done.stdout)
    assert {name: canonical(entry) for name, entry in fresh.items()} == {
        name: canonical(entry) for name, entry in RECORDED.items()
    }


def canonical(entry: dict[str, Any]) -> dict[str, Any]:
    """Sort the maps in the definition of a recording."""
    if "definition" not in entry:
        return entry
    definition = Definition.from_bytes(base64.b64decode(entry["definition"]))
    return {**entry, "definition": definition.to_bytes()}
