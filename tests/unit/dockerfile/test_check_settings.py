"""Parsing the settings of checks."""

from __future__ import annotations

import pytest

from llb.dockerfile.check_settings import Settings, parse_settings
from llb.dockerfile.errors.catalogue import DockerfileError


def test_settings_of_the_build_replace_those_of_the_file() -> None:
    build_args = {"BUILDKIT_DOCKERFILE_CHECK": "error=true"}
    assert parse_settings("skip=all", build_args) == Settings(fails=True)
    assert parse_settings("skip=a,b", {}) == Settings(skipped=frozenset("ab"))


@pytest.mark.parametrize(
    ("directive", "message"),
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
def test_invalid_settings_are_refused(directive: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_settings(directive, {})
    assert caught.value.message == f"failed to parse check options: {message}"
