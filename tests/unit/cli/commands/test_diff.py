"""``llb diff`` and ``llb explain``: differences and cache misses between two definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, compare
from tests.fakes.command import llb

if TYPE_CHECKING:
    from pathlib import Path

OLD = Image("alpine").run("make").marshal(platform="linux/amd64")
NEW = Image("alpine").run("make all").marshal(platform="linux/amd64")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    OLD.to_file(tmp_path / "old.pb")
    return tmp_path / "old.pb"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    NEW.to_file(tmp_path / "new.pb")
    return tmp_path / "new.pb"


def test_a_difference_is_printed_and_sets_the_exit_status(old: Path, new: Path) -> None:
    ran = llb("diff", old, new)
    assert (ran.status, ran.stdout) == (1, compare.render(compare.compare(OLD, NEW)))


def test_equal_definitions_do_not_differ(old: Path) -> None:
    ran = llb("diff", old, "-", stdin=OLD.to_bytes())
    assert (ran.status, ran.stdout) == (0, compare.render(compare.compare(OLD, OLD)))


def test_steps_that_run_again_are_explained(old: Path, new: Path) -> None:
    ran = llb("explain", old, new)
    assert (ran.status, ran.stdout) == (1, compare.explain(compare.compare(OLD, NEW)))


def test_steps_that_come_from_the_cache_are_explained(old: Path) -> None:
    ran = llb("explain", "-", old, stdin=OLD.to_bytes())
    assert (ran.status, ran.stdout) == (0, compare.explain(compare.compare(OLD, OLD)))


def test_standard_input_cannot_be_both_definitions() -> None:
    ran = llb("diff", "-", "-")
    assert ran.status == 2
    assert ran.stderr.endswith("Error: standard input holds one definition, not two\n")


def test_an_error_names_the_invalid_file(old: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pb").write_bytes(b"\xff")
    ran = llb("diff", old, tmp_path / "bad.pb")
    assert ran.status == 1
    assert ran.stderr.startswith(f"error: {tmp_path}/bad.pb: ")
