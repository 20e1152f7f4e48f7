"""A definition says what it needs, and a daemon that is too old is named before the build."""

from __future__ import annotations

import pytest

from llb import Image, LinuxResources, Scratch, caps, merge
from llb.errors import CapabilityError

MERGED = merge([Image("alpine"), Scratch().mkdir("/a")]).marshal()


def test_a_definition_needs_what_its_steps_need() -> None:
    assert caps.needed(MERGED) == {
        *("source.image", "file.base", "mergeop", "constraints", "platform")
    }


def test_a_release_that_has_everything_is_no_error() -> None:
    offered = caps.of_version("v0.10.0")
    assert offered is not None
    caps.check(MERGED, offered, "BuildKit v0.10.0")


def test_what_a_release_lacks_is_named_with_the_first_that_has_it() -> None:
    offered = caps.of_version("v0.9.3")
    assert offered is not None
    with pytest.raises(CapabilityError) as caught:
        caps.check(MERGED, offered, "BuildKit v0.9.3")
    assert str(caught.value) == "BuildKit v0.9.3 does not support merge (capability mergeop)"
    assert (caught.value.cap, caught.value.since) == ("mergeop", "v0.10.0")
    assert caught.value.hint == "it needs BuildKit v0.10.0 or later"


def test_limits_of_a_step_need_a_new_one() -> None:
    limited = Image("alpine").run("a", resources=LinuxResources(memory=2**20)).marshal()
    offered = caps.of_version("0.30.1")
    assert offered is not None
    with pytest.raises(CapabilityError, match="resources of a step"):
        caps.check(limited, offered, "BuildKit 0.30.1")


@pytest.mark.parametrize("version", ["", "v0.0.0+unknown", "master", "27.1.1"])
def test_a_version_that_says_nothing_is_left_to_the_daemon(version: str) -> None:
    assert caps.of_version(version) is None
