"""Reasons why an image reference or a platform is invalid are those of Go's packages."""

from __future__ import annotations

import pytest

from llb.dockerfile.errors.go_messages import invalid_image_reason, invalid_platform_reason

HEX = "a" * 64
SYSTEM = (
    r'"^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$": invalid argument'
)
COMPONENT = '"^[A-Za-z0-9_.-]+$": invalid argument'


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        ("App", "invalid reference format: repository name (library/App) must be lowercase"),
        ("me/App:1", "invalid reference format: repository name (me/App) must be lowercase"),
        ("docker.io/App", "invalid reference format: repository name (library/App) must be lowercase"),
        ("localhost/App", "invalid reference format: repository name (App) must be lowercase"),
        ("Me/app", "invalid reference format"),
        ("a b", "invalid reference format"),
        (f"a b@sha256:{HEX}", "invalid reference format"),
        (f"app@md5:{HEX}", "unsupported digest algorithm"),
        (f"app@sha256:{HEX[1:]}", "invalid checksum digest length"),
        (f"app@sha256:{HEX.upper()}", "invalid checksum digest format"),
    ],
)  # fmt: skip
def test_an_invalid_image_has_dockers_reason(name: str, reason: str) -> None:
    assert invalid_image_reason(name) == reason


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        ("bogus", '"bogus": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
        (
            "linux/a b",
            (
                '"a b" is an invalid component of "linux/a b": platform specifier component must '
                f"match {COMPONENT}"
            ),
        ),
        (
            "li nux/amd64",
            (
                '"li nux" is an invalid OS component of "li nux/amd64": OSAndVersion specifier '
                f"component must match {SYSTEM}"
            ),
        ),
        (
            "linux/",
            f'"" is an invalid component of "linux/": platform specifier component must match {COMPONENT}',
        ),
    ],
)  # fmt: skip
def test_an_invalid_platform_has_dockers_reason(platform: str, reason: str) -> None:
    assert invalid_platform_reason(platform) == reason
