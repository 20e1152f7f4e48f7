"""The stages of a Dockerfile: which are built, on which images, and which mistakes are shown."""

from __future__ import annotations

import pytest

from llb.dockerfile import DockerfileError, ImageTable, ResolvedImage, convert
from llb.testing.graphs import steps

# A registry that has every image, all of them without a config.
ANY = ImageTable({"*": ResolvedImage(f"sha256:{'0' * 64}", b"{}")})


def error_of(text: str, **options: str) -> str:
    with pytest.raises(DockerfileError) as caught:
        convert(text, resolver=ANY, platform="linux/amd64", **options)  # type: ignore[arg-type]
    return str(caught.value)


def steps_of(text: str, **options: str) -> list[str]:
    done = convert(text, resolver=ANY, platform="linux/amd64", **options)  # type: ignore[arg-type]
    return [step.name or "" for step in steps(done.definition)]


def test_of_several_invalid_images_the_last_one_is_shown() -> None:
    text = "FROM Alpine AS one\nFROM scratch AS two\nFROM Debian AS three\nFROM scratch\n"
    assert error_of(text) == (
        'Dockerfile:3: failed to parse stage name "Debian": invalid reference format: '
        "repository name (library/Debian) must be lowercase"
    )


def test_an_invalid_image_that_is_copied_from_comes_after_those_of_stages() -> None:
    text = "FROM Alpine AS one\nFROM scratch\nCOPY --from=Busy / /\n"
    assert error_of(text).startswith('Dockerfile:3: failed to parse stage name "Busy"')


def test_an_invalid_image_is_shown_although_its_stage_is_not_needed() -> None:
    assert error_of("FROM Alpine AS one\nFROM scratch\nCOPY a /\n").startswith("Dockerfile:1:")
