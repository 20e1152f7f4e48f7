"""Files: which are read, and those that cannot be read."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from llb import bake
from llb.errors import BakeFileError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_file_is_an_error() -> None:
    with pytest.raises(BakeFileError, match="couldn't find a bake definition"):
        bake.load()


def test_a_file_that_cannot_be_read_is_named(project: Path) -> None:
    with pytest.raises(BakeFileError, match=r"cannot read none\.hcl: No such file or directory"):
        bake.load("none.hcl")
    (project / "binary.hcl").write_bytes(b"\xff\xfe")
    with pytest.raises(BakeFileError, match=r"cannot read binary\.hcl: it is no text in UTF-8"):
        bake.load("binary.hcl")


def test_standard_input_is_hcl_json_or_a_compose_file(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ('target "a" {}', '{"target": {"a": {}}}', "services: {a: {build: .}}")
    for text in texts:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert [target.name for target in bake.load("-", environ={}).targets] == ["a"]


def test_a_file_that_is_nested_too_deep_is_an_error() -> None:
    text = "a = " + "!" * 3000 + "true\n"
    with pytest.raises(BakeFileError, match="nested"):
        bake.load(bake.BakeFile("docker-bake.hcl", text), environ={})


def test_overrides_are_part_of_the_plan() -> None:
    source = bake.BakeFile("docker-bake.hcl", 'target "default" { tags = ["x"] }')
    plan = bake.load(source, overrides=["*.tags=y", "*.args.A"], environ={"A": "a"})
    target = plan.select().targets["default"]
    assert (plan["default"].tags, target.tags, target.args) == (("x",), ("y",), {"A": "a"})
