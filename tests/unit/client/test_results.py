"""Exporter responses are decoded, and written as a metadata file."""

from __future__ import annotations

import base64
import json

import pytest

from llb.client import Blob, SolveResult
from llb.errors import TransportError


def result_with(descriptor: object) -> SolveResult:
    encoded = base64.b64encode(json.dumps(descriptor).encode()).decode()
    return SolveResult({"containerimage.descriptor": encoded})


@pytest.mark.feature("K10")
def test_objects_are_decoded_in_the_metadata_file() -> None:
    descriptor = {"mediaType": "x", "size": 3}
    responses = {
        "containerimage.descriptor": base64.b64encode(json.dumps(descriptor).encode()).decode(),
        "containerimage.digest": "sha256:00",
        "number": base64.b64encode(b"1234").decode(),
        "text": "abcd",
    }
    assert json.loads(SolveResult(responses).to_json()) == {
        **responses,
        "containerimage.descriptor": descriptor,
    }


@pytest.mark.feature("K10")
def test_the_image_descriptor_is_decoded() -> None:
    descriptor = {"mediaType": "x", "digest": "sha256:00", "size": 3, "annotations": {}}
    assert result_with(descriptor).descriptor == Blob("x", "sha256:00", 3)
    assert SolveResult({}).descriptor is None


@pytest.mark.parametrize("descriptor", [{}, [], 1, {"mediaType": "x", "digest": "y", "size": "3"}])
def test_an_invalid_descriptor_is_refused(descriptor: object) -> None:
    with pytest.raises(TransportError, match="invalid descriptor from the daemon"):
        assert result_with(descriptor).descriptor
