"""The capabilities of a definition are checked against the daemon before the build."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llb import Image, LinuxResources, Scratch, State, caps, merge
from llb.errors import CapabilityError

MERGED = merge([Image("alpine"), Scratch().mkdir("/a")]).marshal()


def test_a_definition_needs_the_capabilities_of_its_steps() -> None:
    assert caps.needed(MERGED) == {
        *("source.image", "file.base", "mergeop", "constraints", "platform")
    }


def test_a_release_with_all_capabilities_is_accepted() -> None:
    offered = caps.of_version("v0.10.0")
    assert offered is not None
    caps.check(MERGED, offered, "BuildKit v0.10.0")


def test_a_missing_capability_is_reported_with_its_first_release() -> None:
    offered = caps.of_version("v0.9.3")
    assert offered is not None
    with pytest.raises(CapabilityError) as caught:
        caps.check(MERGED, offered, "BuildKit v0.9.3")
    assert caught.value.title == "BuildKit v0.9.3 does not support merge"
    assert (caught.value.cap, caught.value.since) == ("mergeop", "v0.10.0")
    assert caught.value.hint == "it needs BuildKit v0.10.0 or later"


def test_resource_limits_need_a_capability() -> None:
    limited = Image("alpine").run("a", resources=LinuxResources(memory=2**20)).marshal()
    offered = caps.of_version("0.30.1")
    assert offered is not None
    with pytest.raises(CapabilityError, match="resources of a step"):
        caps.check(limited, offered, "BuildKit 0.30.1")


@pytest.mark.parametrize("version", ["", "v0.0.0+unknown", "master", "27.1.1"])
def test_an_unknown_version_has_no_table_of_capabilities(version: str) -> None:
    assert caps.of_version(version) is None


@pytest.mark.feature("K9")
@pytest.mark.parametrize(
    ("state", "since", "feature"),
    [
        (Scratch().symlink("a", "/b"), "v0.19.0", "symlink"),
        (Scratch().copy(Image("a"), "/", include=["a"]), "v0.9.0", "include and exclude of copy"),
        (Scratch().copy(Image("a"), "/", exclude=["a"]), "v0.9.0", "include and exclude of copy"),
        (Scratch().copy(Image("a"), "/", required=["a"]), "v0.26.0", "required of copy"),
        (Scratch().copy(Image("a"), "/", replace=True), "v0.14.0", "replace of copy"),
    ],
)
def test_a_file_action_needs_what_its_metadata_does_not_list(
    state: State, since: str, feature: str
) -> None:
    definition = state.marshal()
    offered = caps.of_version("v0.8.0")
    assert offered is not None
    with pytest.raises(CapabilityError) as caught:
        caps.check(definition, offered, "BuildKit v0.8.0")
    assert (caught.value.since, feature in caught.value.title) == (since, True)
    enough = caps.of_version(since)
    assert enough is not None
    caps.check(definition, enough, f"BuildKit {since}")


def test_every_release_has_the_capabilities_of_those_before_it() -> None:
    releases = [caps.of_version(f"v0.{minor}.0") or frozenset() for minor in range(3, 35)]
    assert all(old <= new for old, new in pairwise(releases))
    assert caps.known() <= releases[-1]
