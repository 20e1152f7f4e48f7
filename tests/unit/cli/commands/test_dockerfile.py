"""``llb dockerfile convert``: one file to a definition and a config, or many to JSON lines."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llb import Definition
from llb.cli import cli
from llb.dockerfile import ImageTable, convert
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
CONFIG = '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:1"]}}'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "stub.json"
    path.write_text(json.dumps({"alpine": {"digest": DIGEST, "config": CONFIG}}))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM alpine\nARG A=1\nRUN echo $A\nFROM scratch AS other\nCOPY . /\n")
    return path


def run(*args: object, stdin: str = "") -> Any:
    return CliRunner().invoke(cli, ["dockerfile", "convert", *map(str, args)], input=stdin)


def lines(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_becomes_a_definition_and_a_config(tmp_path: Path, file: Path, table: Path) -> None:
    pb, config = tmp_path / "def.pb", tmp_path / "config.json"
    result = run(
        file,
        *("--platform", "linux/arm64", "--build-arg", "A=2", "--target", "other"),
        *("--local-unique-id", "u", "--resolver", table, "-o", pb, "--config", config),
    )
    assert result.exit_code == 0, result.output
    expected = convert(
        file.read_bytes(),
        resolver=ImageTable.from_json(table.read_text()),
        platform="linux/arm64",
        build_args={"A": "2"},
        target="other",
        local_unique_id="u",
    )
    assert pb.read_bytes() == expected.definition.to_bytes()
    assert config.read_bytes() == expected.image_config
    assert json.loads(config.read_text())["architecture"] == "arm64"


def test_many_files_become_json_lines_and_a_bad_one_does_not_stop_the_others(
    tmp_path: Path, file: Path, table: Path
) -> None:
    bad, binary = tmp_path / "bad", tmp_path / "binary"
    bad.write_text("FROM alpine\nCOPPY a b\n")
    binary.write_bytes(b"\xff\xfe\0")
    missing = tmp_path / "missing"
    entries = lines(run("--jsonl", "--resolver", table, "--target", "", bad, binary, missing, file))
    assert [entry["ok"] for entry in entries] == [False, False, False, True]
    assert [entry["file"] for entry in entries] == [
        str(path) for path in (bad, binary, missing, file)
    ]
    assert entries[0]["line"] == 2
    assert entries[0]["error"].startswith("dockerfile parse error on line 2: unknown instruction")
    assert entries[1]["line"] == 1
    assert entries[2]["line"] is None
    assert set(entries[3]) == {"file", "ok", "ops", "definition", "config", "warnings"}
    definition = Definition.from_bytes(base64.b64decode(entries[3]["definition"]))
    assert len(definition.ops) == entries[3]["ops"] == 3
    assert entries[3]["config"]["os"] == "linux"


def test_file_names_come_from_standard_input(file: Path, table: Path) -> None:
    entries = lines(run("--jsonl", "--resolver", table, "-", stdin=f"{file}\n\n{file}\n"))
    assert [entry["ok"] for entry in entries] == [True, True]


def test_an_internal_error_is_reported_and_does_not_stop_the_other_files(
    file: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("llb.cli.commands.dockerfile.convert", broken)
    entries = lines(run("--jsonl", "--resolver", table, file, file))
    assert [entry["error"] for entry in entries] == ["internal error: KeyError: 'surprise'"] * 2


def test_an_error_of_one_file_names_the_file(file: Path) -> None:
    file.write_text("FROM alpine\n")
    process = subprocess.run(
        [sys.executable, "-c", "from llb.cli import main; main()", "dockerfile", "convert", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert f"\nerror: {file}:1: there is no image docker.io/library/alpine" in process.stderr


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[" * 100_000, '{"a": {}}', '{"A B": {}}', '{"*": {"digest": "x", "config": ""}}'],
)
def test_an_invalid_resolver_file_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="resolver file"):
        ImageTable.from_json(text)


@pytest.mark.parametrize("ref", ["alpine", "alpine:latest", "docker.io/library/alpine", "*"])
def test_images_are_found_by_short_name_full_name_and_wildcard(ref: str) -> None:
    table = ImageTable.from_json(
        json.dumps({ref: {"digest": DIGEST, "config": json.loads(CONFIG)}})
    )
    assert len(convert("FROM alpine\n", resolver=table).definition.ops) == 2


@pytest.mark.parametrize(
    "args", [("a", "b"), ("--jsonl", "-o", "x", "a"), ("--build-arg", "A", "a"), ()]
)
def test_an_invalid_command_line_is_refused(args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 2
