"""Platforms in the options of a conversion."""

from __future__ import annotations

import pytest

from llb import Platform
from llb.dockerfile import ConvertOptions
from llb.errors import InvalidValueError

ON_ARM = ConvertOptions(
    platform=Platform("linux", "arm64"),
    build_platform=Platform("linux", "arm64"),
    build_platforms=(Platform("linux", "arm64"), Platform("linux", "amd64")),
)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("x86_64", Platform("linux", "amd64")),
        ("Linux", Platform("linux", "arm64")),
        ("linux/arm", Platform("linux", "arm")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("arm64", Platform("linux", "arm64")),
        ("linux/arm64/v8", Platform("linux", "arm64", "v8")),
    ],
)
def test_platforms_are_parsed_as_in_docker(text: str, platform: Platform) -> None:
    assert ON_ARM.parse_platform(text) == platform


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(InvalidValueError):
        ON_ARM.parse_platform("plan9")


def test_the_platform_of_an_image_is_used_if_the_daemon_builds_for_it() -> None:
    assert ON_ARM.detect_platform(Platform("linux", "amd64")) == Platform("linux", "amd64")
    assert ON_ARM.detect_platform(Platform("linux", "s390x")) == Platform("linux", "arm64")
