"""Locations are image references, or OCI layouts on the disk."""

from __future__ import annotations

import pytest

from llb.client.imagetools.locations import Location
from llb.errors import InvalidValueError

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpine", Location("docker.io/library/alpine", "latest")),
        ("a.example/b:1", Location("a.example/b", "1")),
        (f"a.example/b@{DIGEST}", Location("a.example/b", None, DIGEST)),
        (f"a.example/b:1@{DIGEST}", Location("a.example/b", "1", DIGEST)),
        ("oci-layout:///a/b", Location("/a/b", "latest", is_layout=True)),
        ("oci-layout:///a/b:1.3", Location("/a/b", "1.3", is_layout=True)),
        ("oci-layout://a:1.3", Location("a", "1.3", is_layout=True)),
        (f"oci-layout:///a/b@{DIGEST}", Location("/a/b", None, DIGEST, is_layout=True)),
        (f"oci-layout:///a/@/b@{DIGEST}", Location("/a/@/b", None, DIGEST, is_layout=True)),
        (f"oci-layout:///a:1@{DIGEST}", Location("/a", "1", DIGEST, is_layout=True)),
        ("oci-layout:///a/@/b", Location("/a/@/b", "latest", is_layout=True)),
        ("oci-layout:///a:b/c", Location("/a:b/c", "latest", is_layout=True)),
        ("oci-layout://C:\\a\\b", Location("C:\\a\\b", "latest", is_layout=True)),
        ("oci-layout://C:/a/b:1", Location("C:/a/b", "1", is_layout=True)),
    ],
)
def test_a_location_is_parsed(text: str, expected: Location) -> None:
    assert Location.parse(text) == expected


@pytest.mark.parametrize("text", ["alpine", f"a.example/b:1@{DIGEST}", "oci-layout:///a:1"])
def test_a_location_is_formatted_as_it_is_parsed(text: str) -> None:
    location = Location.parse(text)
    assert Location.parse(str(location)) == location


def test_a_digest_replaces_the_tag_of_a_layout_alone() -> None:
    assert str(Location.parse("a.example/b:1").with_digest(DIGEST)) == f"a.example/b:1@{DIGEST}"
    layout = Location.parse("oci-layout://b:1").with_digest(DIGEST)
    assert str(layout) == f"oci-layout://b@{DIGEST}"


@pytest.mark.parametrize(
    "text", ["", "A", "a b", "oci-layout://", f"oci-layout://a@md5:{'0' * 32}"]
)
def test_invalid_locations_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        Location.parse(text)
