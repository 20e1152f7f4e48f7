"""Platforms, references and paths follow the rules of Go's packages."""

from __future__ import annotations

import pytest

from llb import Platform, Reference
from llb.gocompat.path import absolute, clean, join


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
    ("text", "full", "familiar"),
    [
        ("alpine", "docker.io/library/alpine", "alpine"),
        ("alpine:3", "docker.io/library/alpine:3", "alpine"),
        ("docker.io/alpine", "docker.io/library/alpine", "alpine"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine", "alpine"),
        ("library/alpine", "docker.io/library/alpine", "alpine"),
        ("user/app", "docker.io/user/app", "user/app"),
        ("localhost/app", "localhost/app", "localhost/app"),
        ("localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app"),
        ("ghcr.io/o/app@sha256:" + "a" * 64, "ghcr.io/o/app@sha256:" + "a" * 64, "ghcr.io/o/app"),
        ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
    ],
)
def test_references_are_normalized(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar_name) == (full, familiar)


@pytest.mark.parametrize(
    "text", ["", "-a", "a//b", "a:", "a@sha256:12", "UPPER", "a b", "a" * 256, "f" * 64, "a:b:c"]
)
def test_bad_references_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", "."),
        ("/", "/"),
        ("//a", "/a"),
        ("///a", "/a"),
        ("a/../..", ".."),
        ("/../a/./b/", "/a/b"),
    ],
)
def test_paths_are_cleaned_as_go_cleans_them(path: str, cleaned: str) -> None:
    assert clean(path) == cleaned


def test_a_later_part_does_not_start_at_the_root() -> None:
    assert (join("/a", "/b"), join("", ""), join("", "b", ".")) == ("/a/b", "", "b")


@pytest.mark.parametrize(
    ("path", "kept"),
    [("a/", "/w/a/"), ("/", "/"), (".", "/w"), ("./", "/w/"), ("a/.", "/w/a/."), ("/.", "/.")],
)
def test_an_ending_that_means_a_directory_is_kept(path: str, kept: str) -> None:
    assert absolute("/w", path, keep_slash=True) == kept
