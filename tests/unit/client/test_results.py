"""The answers of exporters, as a metadata file."""

from __future__ import annotations

import base64
import json

import pytest

from llb.client import Blob, SolveResult
from llb.errors import TransportError


def answered(descriptor: object) -> SolveResult:
    text = base64.b64encode(json.dumps(descriptor).encode()).decode()
    return SolveResult({"containerimage.descriptor": text})


@pytest.mark.feature("K10")
def test_objects_stand_in_the_file_as_objects() -> None:
    descriptor = {"mediaType": "x", "size": 3}
    answers = {
        "containerimage.descriptor": base64.b64encode(json.dumps(descriptor).encode()).decode(),
        "containerimage.digest": "sha256:00",
        "number": base64.b64encode(b"1234").decode(),
        "text": "abcd",
    }
    assert json.loads(SolveResult(answers).to_json()) == {
        **answers,
        "containerimage.descriptor": descriptor,
    }


@pytest.mark.feature("K10")
def test_the_descriptor_of_an_image_is_a_value() -> None:
    given = {"mediaType": "x", "digest": "sha256:00", "size": 3, "annotations": {}}
    assert answered(given).descriptor == Blob("x", "sha256:00", 3)
    assert SolveResult({}).descriptor is None


@pytest.mark.parametrize("descriptor", [{}, [], 1, {"mediaType": "x", "digest": "y", "size": "3"}])
def test_a_descriptor_that_is_none_is_refused(descriptor: object) -> None:
    with pytest.raises(TransportError, match="the daemon sent no descriptor"):
        assert answered(descriptor).descriptor
