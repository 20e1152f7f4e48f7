"""Lint for function targets: code that builds but is probably a mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llb.testing.images import FakeImage
from tests.unit.frontend.builds import APP, BODY, HEAD, run

if TYPE_CHECKING:
    from collections.abc import Mapping


def lint(text: str, neighbours: Mapping[str, str] | None = None) -> tuple[dict[str, Any], str, int]:
    """Send a lint subrequest; return its value, its text, and the status for scripts."""
    metadata = run(text, {"requestid": "frontend.lint"}, neighbours=neighbours).checked().metadata
    value: dict[str, Any] = json.loads(metadata["result.json"])
    return value, metadata["result.txt"].decode(), int(metadata["result.statuscode"])


def warnings(text: str, neighbours: Mapping[str, str] | None = None) -> list[tuple[str, str, int]]:
    """Collect the name, the message and the line of each warning; line 0 is outside the file."""
    return [
        (
            warning["ruleName"],
            warning["detail"],
            warning["location"].get("ranges", [{"start": {"line": 0}}])[0]["start"]["line"],
        )
        for warning in lint(text, neighbours)[0]["warnings"] or []
    ]


def test_a_file_without_mistakes_has_no_warnings() -> None:
    value, text, status = lint(f"{APP}    return build.image('alpine').run('make')\n")
    assert (value["warnings"], "buildError" in value, text, status) == (None, False, "", 0)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api_token", True),
        ("PASSWORD", True),
        ("key", True),
        ("keyboard", False),
        ("public_key", False),
        ("tokens", False),
    ],
)
def test_a_build_arg_that_sounds_like_a_secret_is_found(name: str, *, is_secret: bool) -> None:
    text = f"{HEAD}\n@target\ndef app({name}: str = '') -> State:\n    return Scratch()\n"
    message = f"The build arg '{name}' of target 'app' sounds like a secret; mount it instead"
    expected = [("SecretsUsedInBuildArgs", message, BODY - 2)] if is_secret else []
    assert warnings(text) == expected


def test_build_args_of_imported_targets_are_checked_too() -> None:
    text = f"from ci import other\n{HEAD}\n@target(default=True)\ndef app() -> State:\n    return Scratch()\n"
    neighbours = {
        "ci.py": f"{HEAD}\n@target\ndef other(password: str = '') -> State:\n    return Scratch()\n"
    }
    assert warnings(text, neighbours) == [
        (
            "SecretsUsedInBuildArgs",
            "The build arg 'password' of target 'other' sounds like a secret; mount it instead",
            0,
        )
    ]


def test_a_target_that_is_not_reproducible_is_found() -> None:
    text = f"""{HEAD}import itertools
count = itertools.count()

@target
def app() -> State:
    return Scratch().mkfile("/a", str(next(count)))
"""
    assert warnings(text) == [
        ("NotReproducible", "Target 'app' produces different steps when it is called again", 7)
    ]


def test_a_warning_of_the_file_has_its_line() -> None:
    text = f"{APP}    build.warn('old paint')\n    return Scratch()\n"
    assert warnings(text) == [("BuildFileWarning", "old paint", BODY)]
    _, shown, status = lint(text)
    assert status == 1
    assert shown == (
        "\nWARNING: BuildFileWarning\nold paint\nbuild.py:7\n--------------------\n"
        "   5 |     @target\n"
        "   6 |     def app(build: Build) -> State:\n"
        "   7 | >>>     build.warn('old paint')\n"
        "   8 |         return Scratch()\n"
        "   9 |     \n"
        "--------------------\n"
    )


def test_a_warning_of_another_file_has_no_line_in_this_one() -> None:
    text = f"from ci import warn\n{APP}    warn(build)\n    return Scratch()\n"
    neighbours = {"ci.py": "def warn(build):\n    build.warn('old paint')\n"}
    assert warnings(text, neighbours) == [("BuildFileWarning", "old paint", 0)]


def test_a_file_that_cannot_be_built_has_its_error_and_no_warnings() -> None:
    value, _, status = lint(f"{APP}    build.warn('old paint')\n    return 1 / 0\n")
    assert value["warnings"] is None
    assert value["buildError"] == {
        "message": "ZeroDivisionError: division by zero",
        "location": {"ranges": [{"start": {"line": BODY + 1}, "end": {"line": BODY + 1}}]},
    }
    assert status == 1


def test_an_image_for_another_platform_is_found_as_in_dockerfiles() -> None:
    images = {"busybox": FakeImage(platforms=("linux/amd64",))}
    text = f"{APP}    return build.image('busybox').run('uname -m')\n"
    options = {"requestid": "frontend.lint", "platform": "linux/amd64,linux/arm64/v8"}
    metadata = run(text, options, images=images).checked().metadata
    (warning,) = json.loads(metadata["result.json"])["warnings"]
    assert warning["ruleName"] == "InvalidBaseImagePlatform"
    assert warning["detail"] == (
        'Base image busybox was pulled with platform "linux/amd64", expected "linux/arm64" for '
        "current build"
    )
    assert warning["location"]["ranges"][0]["start"]["line"] == BODY
    assert metadata["result.statuscode"] == b"1"


def test_an_image_for_another_platform_is_a_warning_of_the_build() -> None:
    images = {"busybox": FakeImage(platforms=("linux/amd64",))}
    text = f"{APP}    return build.image('busybox')\n"
    (warning,) = run(text, {"platform": "linux/arm64"}, images=images).warnings
    assert warning.message.startswith("InvalidBaseImagePlatform: Base image busybox was pulled")
    assert run(text, {"platform": "linux/amd64/v2"}, images=images).warnings == ()
    assert (
        run(text.replace("busybox'", "busybox', platform='linux/amd64'"), images=images).warnings
        == ()
    )
