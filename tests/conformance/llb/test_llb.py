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
def test_the_definition_equals_that_of_go(name: str) -> None:
    ours = cases()[name].marshal(platform="linux/amd64", local_unique_id="unique", source_map=False)
    theirs = Definition.from_bytes(base64.b64decode(RECORDED[name]))
    assert ours.ops == theirs.ops
    assert ours.metadata == theirs.metadata
    assert ours.locations == theirs.locations
    assert ours.files == theirs.files


@pytest.mark.go
def test_the_recording_equals_the_output_of_go() -> None:
    fresh = json.loads(recorder())
    assert {name: with_sorted_maps(data) for name, data in fresh.items()} == {
        name: with_sorted_maps(data) for name, data in RECORDED.items()
    }


def with_sorted_maps(data: str) -> bytes:
    """Sort the maps of a recorded definition, whose order Go leaves undefined."""
    return canonical(base64.b64decode(data))
