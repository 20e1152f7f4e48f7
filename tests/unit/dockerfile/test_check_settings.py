"""Check settings."""

from __future__ import annotations

import pytest

from llb.dockerfile.check_settings import Settings, parse_settings
from llb.dockerfile.errors.catalogue import DockerfileError


def test_settings_of_the_build_take_the_place_of_those_of_the_file() -> None:
    given = {"BUILDKIT_DOCKERFILE_CHECK": "error=true"}
    assert parse_settings("skip=all", given) == Settings(fails=True)
    assert parse_settings("skip=a,b", {}) == Settings(skipped=frozenset("ab"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skip", 'invalid check option "skip"'),
        ("warn=all", 'invalid check option "warn"'),
        (
            "error=on",
            (
                'failed to parse check option "error=on": '
                'strconv.ParseBool: parsing "on": invalid syntax'
            ),
        ),
    ],
)
def test_settings_that_cannot_be_read_are_refused(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_settings(text, {})
    assert caught.value.message == f"failed to parse check options: {message}"
