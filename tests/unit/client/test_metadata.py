"""The answers of exporters, as a metadata file."""

from __future__ import annotations

import base64
import json

from llb.client import SolveResult


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
