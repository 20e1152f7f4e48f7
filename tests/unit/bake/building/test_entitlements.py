"""Privileges that a user must allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import bake
from llb.bake.building.entitlements import Allowed, missing
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


def needed(target: bake.Target, *allowed: str, **environ: str) -> list[str]:
    selection = bake.Selection({target.name: target})
    return list(missing(selection, Allowed.parse(allowed), environ).privileges)


def test_files_below_the_working_directory_are_allowed() -> None:
    target = bake.Target("a", context=".", outputs=[bake.OutputEntry("local", "out")])
    assert needed(target) == []


def test_other_files_are_asked_for() -> None:
    target = bake.Target(
        "a",
        context="..",
        contexts={"x": "/usr/x", "y": "docker-image://x", "z": "target:b"},
        secrets=[bake.SecretEntry("s", "/usr/x/secret")],
        outputs=[bake.OutputEntry("local", "/usr/out")],
        cache_to=[bake.CacheEntry("local", {"dest": "/usr/cache"})],
    )
    assert needed(target) == [
        "fs.read=..",
        "fs.read=/usr/x",
        "fs.write=/usr/cache",
        "fs.write=/usr/out",
    ]
    assert needed(target, "fs=/usr", "fs.read=*") == []
    assert needed(target, BUILDX_BAKE_ENTITLEMENTS_FS="0") == []


def test_entitlements_of_steps_are_asked_for() -> None:
    target = bake.Target(
        "a",
        entitlements=["network.host", "security.insecure", "device=x"],
        ssh=[bake.SSHEntry("default")],
    )
    assert needed(target) == ["network.host", "security.insecure", "device=x", "ssh"]
    assert needed(target, "network.host", "security.insecure", "device", "ssh") == []


def test_an_unknown_privilege_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"unknown entitlement 'network.hst' \(did you"):
        Allowed.parse(["network.hst"])
