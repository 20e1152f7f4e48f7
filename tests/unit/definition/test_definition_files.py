"""Definitions in files: atomic writes, and one-line errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.definition.definition import Definition
from llb.errors import InputError, InvalidDefinitionError, render
from tests.unit.definitions import every_kind

if TYPE_CHECKING:
    from pathlib import Path


def test_a_definition_round_trips_through_a_file(tmp_path: Path) -> None:
    every_kind().to_file(tmp_path / "x.pb")
    assert Definition.from_file(str(tmp_path / "x.pb")) == every_kind()
    assert [path.name for path in tmp_path.iterdir()] == ["x.pb"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.pb").write_bytes(b"old")
    every_kind().to_file(tmp_path / "x.pb")
    assert (tmp_path / "x.pb").read_bytes() == every_kind().to_bytes()


def test_a_device_is_written_to() -> None:
    every_kind().to_file("/dev/null")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Definition.from_file(tmp_path / "x.pb")
    assert str(caught.value) == f"cannot read {tmp_path}/x.pb: No such file or directory"


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        every_kind().to_file(tmp_path / "no" / "x.pb")
    assert str(caught.value) == f"cannot write {tmp_path}/no/x.pb: No such file or directory"


def test_a_directory_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        every_kind().to_file(tmp_path)
    assert str(caught.value) == f"cannot write {tmp_path}: Is a directory"


def test_an_invalid_file_is_reported_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.pb").write_text("hello")
    with pytest.raises(InvalidDefinitionError) as caught:
        Definition.from_file(tmp_path / "x.pb")
    assert render(caught.value) == (
        f"error: {tmp_path}/x.pb: invalid LLB definition\n"
        "hint: expected the output of a build script, or of State.marshal().to_bytes()"
    )


def test_the_repr_of_an_invalid_definition_does_not_raise() -> None:
    assert repr(Definition((b"\xff",))) == "<Definition of 1 ops, head None>"
