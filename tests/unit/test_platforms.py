"""Platforms are normalized as containerd normalizes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from llb import Platform
from llb.errors import InvalidValueError


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v2", "linux/amd64/v2"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("macos/arm64", "darwin/arm64"),
        ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
        ("windows(10.0.1+win32k)/amd64", "windows(10.0.1+win32k)/amd64"),
    ],
)
def test_platforms_are_normalized(text: str, normal: str) -> None:
    assert str(Platform.parse(text)) == normal


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("arm64", "add the system: linux/arm64"),
        ("x86_64", "add the system: linux/x86_64"),
        ("riscv64", "add the system: linux/riscv64"),
        ("linux", "add the architecture: linux/amd64"),
        (
            "linux/amd64,linux/arm64",
            "name one platform, without spaces or commas: linux/amd64 or linux/arm/v7",
        ),
        ("linx", "did you mean linux?"),
        ("local", "for example linux/amd64 or linux/arm/v7"),
    ],
)
def test_an_incomplete_platform_is_completed(text: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Platform.parse(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "linux/amd64"),
        ("darwin", "arm64", "linux/arm64"),
        ("win32", "AMD64", "linux/amd64"),
        ("freebsd", "amd64", "freebsd/amd64"),
    ],
)
def test_containers_of_macos_and_windows_are_those_of_linux(
    system: str, machine: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.platforms.sys", SimpleNamespace(platform=system))
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert str(Platform.host()) == expected
