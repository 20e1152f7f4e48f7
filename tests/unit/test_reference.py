"""Image references are normalized as Docker normalizes them."""

from __future__ import annotations

import pytest

from llb import Reference
from llb.errors import InvalidValueError


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
def test_malformed_references_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        Reference.parse(text)


def test_a_url_is_no_reference() -> None:
    with pytest.raises(InvalidValueError) as caught:
        Reference.parse("https://ghcr.io/o/app")
    assert caught.value.message == (
        "invalid reference 'https://ghcr.io/o/app': it is a URL, expected [domain/]name[:tag][@digest]"
    )
