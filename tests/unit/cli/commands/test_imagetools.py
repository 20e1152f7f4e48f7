"""The commands of imagetools: their options, files and errors. Their results: tests/conformance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from llb.cli import cli
from llb.client import Builder
from llb.errors import InputError
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.fakes.registry import FakeRegistry, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with fake_registry() as registry:
        fill(registry)
        yield registry


def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, output and error."""
    result = CliRunner().invoke(cli, ["imagetools", *arguments])
    shown = result.stderr if isinstance(result.exception, SystemExit) else str(result.exception)
    return result.exit_code, result.stdout, shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inspect",), "Missing argument 'NAME'"),
        (("inspect", "a", "--raw", "--format", "x"), "--format and --raw exclude each other"),
        (("create", "--prefer-index=maybe", "a"), "'maybe' is not a valid boolean"),
        (("create", "--progress", "loud", "-t", "a", "b"), "unknown progress display 'loud'"),
        (("create", "-t", "a"), "there are no sources"),
        (("create", "a"), "there is no tag to push to"),
        (("create", "-t", "a", "-f", "/nowhere"), "cannot read /nowhere: No such file"),
        (("create", "-t", "a", "-p", "x", "b"), "invalid platform 'x'"),
        (("inspect", "A B"), "invalid reference 'A B'"),
        (("inspect", "a", "--plain-http"), "requires an argument"),
        (("inspect", "a", "--builder", "nope"), "unknown builder 'nope'"),
        (("inspect", "a", "--registry-auth-tlscontext", "x"), "registry-auth-tlscontext"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple[str, ...], message: str) -> None:
    code, _, shown = run(*arguments)
    assert code != 0
    assert message in shown


def test_a_builder_tells_which_registries_have_no_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise InputError(str(options))

    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    config = tmp_path / "buildkitd.toml"
    config.write_text('[registry."registry.invalid"]\nhttp = true\n')
    Builder.create("ci", driver="docker-container", buildkitd_config=config)
    monkeypatch.setattr("llb.client.imagetools.RegistryClient", refuse)
    options = ("--builder", "ci", "--plain-http", "other.invalid")
    _, _, shown = run("inspect", "registry.invalid/a:1", *options)
    assert shown == "{'tls': (), 'plain_http': ('other.invalid', 'registry.invalid')}"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"\xff")
    _, _, shown = run("create", "-t", "a", "-f", str(tmp_path / "source"))
    assert shown == f"cannot read {tmp_path}/source: it is not UTF-8"


def test_a_source_in_a_file_may_end_with_a_newline(registry: FakeRegistry, tmp_path: Path) -> None:
    (tmp_path / "source").write_text(f"{registry.host}/{REPOSITORY}:multi\n")
    code, stdout, _ = run("create", "--dry-run", "-f", str(tmp_path / "source"))
    assert (code, len(json.loads(stdout)["manifests"])) == (0, 2)


def test_progress_is_shown_as_plain_text(registry: FakeRegistry) -> None:
    name = f"{registry.host}/new"
    source = f"{registry.host}/{REPOSITORY}:amd64"
    _, stdout, _ = run("create", "--progress", "plain", "-t", f"{name}:1", source)
    assert stdout == ""
    result = CliRunner().invoke(
        cli, ["imagetools", "create", "--progress", "plain", "-t", f"{name}:2", source]
    )
    lines = [line.split(" ", 1)[1] for line in result.stderr.splitlines() if line]
    digest = registry.repository("new").tags["2"]
    assert f"pushing {name}" in lines
    assert any(f"pushing {digest} to {name}:2" in line for line in lines)


def test_progress_is_shown_as_json(registry: FakeRegistry) -> None:
    arguments = ["create", "--progress", "rawjson", "-t", f"{registry.host}/new:1"]
    arguments.append(f"{registry.host}/{REPOSITORY}:amd64")
    result = CliRunner().invoke(cli, ["imagetools", *arguments])
    reports = [json.loads(line) for line in result.stderr.splitlines()]
    names = {one["name"] for report in reports for one in report.get("vertexes", ())}
    assert names == {f"copying to {registry.host}/new", f"pushing {registry.host}/new"}


def test_a_failed_push_writes_no_metadata(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.fault = lambda method, _: (500, {}, b"") if method == "PUT" else None
    metadata = tmp_path / "metadata"
    code, _, shown = run(
        "create",
        *("-t", f"{registry.host}/new:1", "--metadata-file", str(metadata)),
        f"{registry.host}/{REPOSITORY}:amd64",
    )
    assert (code, metadata.exists()) == (1, False)
    assert "answers PUT of the blob with status 500" in shown or "PUT of the manifest" in shown
