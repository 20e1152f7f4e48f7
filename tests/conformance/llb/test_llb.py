"""Definitions equal those of Go's client/llb, byte for byte."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from llb import Definition
from tests.conformance.llb.cases import cases
from tests.conformance.llb.go import recorder
from tests.conformance.llb.programs import canonical

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded.json").read_text())


def test_both_programs_have_the_same_cases() -> None:
    assert set(cases()) == set(RECORDED)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_definition_equals_the_one_of_go(name: str) -> None:
    ours = cases()[name].marshal(platform="linux/amd64", local_unique_id="unique", source_map=False)
    theirs = Definition.from_bytes(base64.b64decode(RECORDED[name]))
    assert ours.ops == theirs.ops
    assert ours.metadata == theirs.metadata
    assert ours.locations == theirs.locations
    assert ours.files == theirs.files


@pytest.mark.go
def test_recording_is_what_go_gives_today() -> None:
    fresh = json.loads(recorder())
    assert {name: settled(data) for name, data in fresh.items()} == {
        name: settled(data) for name, data in RECORDED.items()
    }


def settled(data: str) -> bytes:
    """Return a recorded definition with its maps in a settled order, which Go leaves open."""
    return canonical(base64.b64decode(data))
