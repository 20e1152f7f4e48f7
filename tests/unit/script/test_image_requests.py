"""What a script and `llb build` say to each other about images."""

from __future__ import annotations

import pytest

from llb import Location, Platform, Range, ResolvedImage, SourceFile
from llb.script.image_requests import ImageRequests, answers_from_line, answers_to_line
from llb.sources.base_images import BaseImage

PLATFORM = Platform("windows", "amd64", "v2", "10.0.1", ("win32k",))


@pytest.mark.parametrize("has_line", [True, False])
def test_requests_are_a_line(has_line: bool) -> None:
    file = SourceFile("build.py", b"import llb\nllb.Image('a')\n")
    locations = (Location(file, (Range(2, 2),)),) if has_line else ()
    image = BaseImage("docker.io/library/a:1", PLATFORM, "pull", locations)
    line = ImageRequests((image,), ("context",)).to_line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    requests = ImageRequests.from_line(line)
    assert requests == ImageRequests((image,), ("context",))
    assert requests.images[0].span == image.span


def test_answers_are_a_line() -> None:
    images = [ResolvedImage("sha256:1", b"\xff\n", "a@sha256:1"), ResolvedImage("", b"{}")]
    line = answers_to_line(images)
    assert line.count(b"\n") == 1
    assert answers_from_line(line) == images
