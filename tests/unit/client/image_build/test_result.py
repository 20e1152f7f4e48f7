"""The result of an image build."""

from __future__ import annotations

import base64
import json

from llb.client import image, local
from llb.client.image_build.result import ImageResult, to_image_result
from llb.client.results import SolveResult

DESCRIPTOR = {"mediaType": "m", "digest": "sha256:b", "size": 3}


def test_a_result_has_an_id_a_digest_names_and_metadata() -> None:
    response = {
        "containerimage.config.digest": "sha256:a",
        "containerimage.digest": "sha256:b",
        "containerimage.descriptor": base64.b64encode(json.dumps(DESCRIPTOR).encode()).decode(),
        "image.name": "a:1,b:2",
    }
    result = to_image_result(SolveResult(response, "ref"), [image("asked")], is_docker=False)
    assert (result.id, result.digest, result.ref) == ("sha256:a", "sha256:b", "ref")
    assert result.names == ("docker.io/library/a:1", "docker.io/library/b:2")
    assert result.metadata == response | {"containerimage.descriptor": DESCRIPTOR}


def test_absent_values_are_none() -> None:
    result = to_image_result(SolveResult({}, "ref"), [local("out")], is_docker=False)
    assert result == ImageResult({}, "ref")
    assert (result.id, result.digest, result.descriptor) == (None, None, None)
    assert (result.names, result.metadata) == ((), {})


def test_a_docker_that_answers_with_a_digest_alone_names_the_image_by_it() -> None:
    solved = SolveResult({"containerimage.digest": "sha256:a"}, "ref")
    exports = [image("a:1"), image(["a:1", "b:2"])]
    result = to_image_result(solved, exports, is_docker=True)
    names = ("docker.io/library/a:1", "docker.io/library/b:2")
    assert (result.id, result.names) == ("sha256:a", names)
    assert to_image_result(solved, exports, is_docker=False).id is None
