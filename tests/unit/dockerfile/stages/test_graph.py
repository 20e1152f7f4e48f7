"""Stages of a Dockerfile: which error is reported if several images are invalid."""

from __future__ import annotations

import pytest

from llb.dockerfile import DockerfileError, ImageTable, ResolvedImage, convert
from llb.testing.graphs import steps

# A registry that has every image, without a config.
ANY = ImageTable({"*": ResolvedImage(f"sha256:{'0' * 64}", b"{}")})


def error_of(text: str, **options: str) -> str:
    with pytest.raises(DockerfileError) as caught:
        convert(text, resolver=ANY, platform="linux/amd64", **options)  # type: ignore[arg-type]
    return str(caught.value)


def steps_of(text: str, **options: str) -> list[str]:
    result = convert(text, resolver=ANY, platform="linux/amd64", **options)  # type: ignore[arg-type]
    return [step.name or "" for step in steps(result.definition)]


def test_the_last_of_several_invalid_images_is_reported() -> None:
    text = "FROM Alpine AS one\nFROM scratch AS two\nFROM Debian AS three\nFROM scratch\n"
    assert error_of(text) == (
        'Dockerfile:3: failed to parse stage name "Debian": invalid reference format: '
        "repository name (library/Debian) must be lowercase"
    )


def test_an_invalid_image_in_copy_takes_precedence_over_those_of_stages() -> None:
    text = "FROM Alpine AS one\nFROM scratch\nCOPY --from=Busy / /\n"
    assert error_of(text).startswith('Dockerfile:3: failed to parse stage name "Busy"')


def test_an_invalid_image_is_reported_even_if_its_stage_is_not_needed() -> None:
    assert error_of("FROM Alpine AS one\nFROM scratch\nCOPY a /\n").startswith("Dockerfile:1:")
