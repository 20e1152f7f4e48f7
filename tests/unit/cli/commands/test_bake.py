"""``llb bake`` prints and lists the targets of bake files, and refuses what it cannot build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client import Client
from llb.errors import MissingFileError
from llb.gateway import Result
from llb.testing import FakeDaemon
from tests.fakes.command import llb

if TYPE_CHECKING:
    from pathlib import Path

    from llb.gateway import Gateway, Request

FILE = """\
variable "TAG" {
  default     = "dev"
  description = "the tag of all images"
}

group "default" {
  targets = ["app"]
}

target "app" {
  description = "the application"
  tags        = ["app:${TAG}"]
}

target "docs" {
  output = ["out"]
}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a bake file."""
    (tmp_path / "docker-bake.hcl").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAG", raising=False)
    return tmp_path


def printed(*arguments: str) -> dict[str, dict[str, object]]:
    result = llb("bake", "--print", *arguments)
    assert result.stderr == ""
    return dict(json.loads(result.stdout)["target"])


def refused(*arguments: str) -> str:
    result = llb("bake", *arguments)
    assert (result.status != 0, result.stdout) == (True, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def test_print_shows_the_default_targets() -> None:
    assert printed() == {
        "app": {
            "context": ".",
            "description": "the application",
            "dockerfile": "Dockerfile",
            "tags": ["app:dev"],
        }
    }


def test_a_pattern_selects_targets() -> None:
    assert sorted(printed("*")) == ["app", "docs"]


def test_options_and_the_environment_set_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAG", "v1")
    assert printed()["app"]["tags"] == ["app:v1"]
    assert printed("--var", "TAG=v2")["app"]["tags"] == ["app:v2"]


def test_options_override_all_targets() -> None:
    target = printed("--push", "--no-cache", "--pull", "--sbom=true", "--provenance=mode=max")[
        "app"
    ]
    assert target["output"] == [{"push": "true", "type": "image"}]
    assert (target["no-cache"], target["pull"]) == (True, True)
    assert target["attest"] == [{"type": "sbom"}, {"mode": "max", "type": "provenance"}]


def test_standard_input_is_a_bake_file() -> None:
    result = llb("bake", "-f", "-", "--print", stdin=b'target "default" { target = "x" }')
    assert json.loads(result.stdout)["target"]["default"]["target"] == "x"


def test_a_variable_names_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "one.hcl").write_text('target "default" { target = "one" }')
    (project / "two.hcl").write_text('target "default" { dockerfile = "two" }')
    monkeypatch.setenv("BUILDX_BAKE_FILE", "one.hcl,two.hcl")
    monkeypatch.setenv("BUILDX_BAKE_PATH_SEPARATOR", ",")
    target = printed()["default"]
    assert (target["target"], target["dockerfile"]) == ("one", "two")


def test_list_shows_targets_and_variables() -> None:
    assert llb("bake", "--list=targets").stdout.splitlines()[1:] == [
        "app\tthe application",
        "default\tapp",
        "docs\t",
    ]
    listed = json.loads(llb("bake", "--list=type=variables,format=json").stdout)
    assert [variable["name"] for variable in listed] == ["TAG"]


def test_an_error_shows_the_place_and_the_nearest_name(project: Path) -> None:
    (project / "docker-bake.hcl").write_text('target "app" {\n  tags = [uper("a")]\n}\n')
    assert refused("--print", "app").splitlines()[1:4] == [
        '2 | >>>   tags = [uper("a")]',
        "  |               ^^^^",
        "3 |     }",
    ]
    assert "docker-bake.hcl:2:11: there is no function 'uper'" in refused("--print", "app")
    assert "did you mean upper?" in refused("--print", "app")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ap"], "did you mean app?"),
        (["--print", "--list=targets"], "--print conflicts with --list"),
        (["--list=builds"], "builds"),
        (["--set", "app"], "app"),
        (["--set", "app.labls.a=x", "--print"], "did you mean label?"),
        (["--call=sing"], "sing"),
        (["--allow=everything"], "everything"),
        (["--policy=sometimes"], "sometimes"),
        (["-f", "missing.hcl"], "missing.hcl"),
        (["--metadata-file=missing/file"], "missing"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_a_folder_without_bake_files_is_an_error(project: Path) -> None:
    (project / "docker-bake.hcl").unlink()
    assert "couldn't find a bake definition" in refused()


def test_files_outside_the_working_directory_need_permission() -> None:
    message = refused("--set", "app.context=..")
    assert "--allow" in message


def test_targets_are_built_and_their_results_written(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    digest = "sha256:" + "a" * 64
    with FakeDaemon(
        frontends={"dockerfile.v0": lambda *_: Result()},
        script=lambda _: {"containerimage.digest": digest},
    ) as daemon:
        result = llb(
            "bake", "--metadata-file=results.json", "--progress=none", f"--addr={daemon.address}"
        )
        assert (result.status, result.stdout) == (0, "")
        (build,) = daemon.builds
    assert build.frontend_attrs["filename"] == "Dockerfile"
    assert result.stderr == f"app: image digest {digest}\n"
    metadata = json.loads((project / "results.json").read_text())
    assert metadata["app"]["containerimage.digest"] == digest


def test_calls_print_the_answers_of_all_targets(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")

    def frontend(request: Request, _: Gateway) -> Result:
        assert request.options["requestid"] == "frontend.lint"
        return Result(metadata={"result.txt": b"a warning", "result.statuscode": b"1"})

    with FakeDaemon(frontends={"dockerfile.v0": frontend}) as daemon:
        options = ("--progress=none", f"--addr={daemon.address}")
        result = llb("bake", "app", "docs", "--check", "--policy=disabled=true", *options)
    assert (result.status, result.stdout) == (1, "app:\na warning\ndocs:\na warning\n")


def test_bake_files_are_read_from_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(_: Client, state: object, path: str) -> str:
        if path != "docker-bake.hcl":
            raise MissingFileError(f"no such file: {path}", path=path)
        return FILE

    monkeypatch.setattr(Client, "read_text", read_text)
    with FakeDaemon() as daemon:
        result = llb(
            "bake",
            "https://github.com/me/app.git#main",
            "--print",
            f"--addr={daemon.address}",
        )
    assert result.stderr == ""
    target = json.loads(result.stdout)["target"]["app"]
    assert target["context"] == "https://github.com/me/app.git#main"


def test_a_repository_without_bake_files_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(_: Client, state: object, path: str) -> str:
        raise MissingFileError(f"no such file: {path}", path=path)

    monkeypatch.setattr(Client, "read_text", read_text)
    with FakeDaemon() as daemon:
        address = f"--addr={daemon.address}"
        url = "https://github.com/me/app.git#main"
        assert f"couldn't find a bake definition in {url}" in refused(url, address)
        assert "a.hcl" in refused(url, "-f", "a.hcl", address)
        other = "https://example.com/bake.tar.gz"
        assert "bake files are read from repositories alone" in refused(other, address)


def test_a_file_here_extends_those_of_a_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_text(_: Client, state: object, path: str) -> str:
        assert path == "there.hcl"
        return FILE

    monkeypatch.setattr(Client, "read_text", read_text)
    (project / "here.hcl").write_text('target "app" { target = "here" }')
    url = "https://github.com/me/app.git"
    files = ("-f", "there.hcl", "-f", "cwd://here.hcl")
    with FakeDaemon() as daemon:
        result = llb("bake", url, *files, "--print", f"--addr={daemon.address}")
    target = json.loads(result.stdout)["target"]["app"]
    assert (target["context"], target["target"]) == (url, "here")
