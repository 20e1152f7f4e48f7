"""``llb bake`` and ``llb.bake`` build the targets of bake files on a daemon."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from llb import bake
from llb.client import Client, VertexStatus
from llb.errors import SolveError
from tests.e2e.git_server import make_repository, serving_git
from tests.fakes.command import llb

if TYPE_CHECKING:
    from pathlib import Path

    from llb.client import Event

MIB = 2**20
FILE = """\
variable "WORD" {
  default = "hello"
}

group "default" {
  targets = ["app", "docs"]
}

target "base" {
  dockerfile-inline = "FROM busybox\\nARG WORD\\nRUN echo $WORD > /word"
  args              = { WORD = WORD }
}

target "app" {
  contexts          = { base = "target:base" }
  dockerfile-inline = "FROM base AS built\\nFROM scratch\\nCOPY --from=built /word /app"
  output            = ["out"]
}

target "docs" {
  dockerfile-inline = "FROM scratch\\nCOPY page.txt /page.txt"
  output            = ["type=local,dest=pages"]
}

target "broken" {
  dockerfile-inline = "FROM busybox\\nRUN echo broken && exit 3"
}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a bake file."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "docker-bake.hcl").write_text(FILE)
    (folder / "page.txt").write_text("a page\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("WORD", raising=False)
    return folder


def test_targets_and_those_they_are_linked_to_are_built(buildkit_host: str, project: Path) -> None:
    result = llb(
        "bake",
        "--var=WORD=linked",
        "--metadata-file=metadata.json",
        "--progress=plain",
        f"--addr={buildkit_host}",
    )
    assert result.status == 0, result.stderr
    assert (project / "out" / "app").read_text() == "linked\n"
    assert (project / "pages" / "page.txt").read_text() == "a page\n"
    assert sorted(json.loads((project / "metadata.json").read_text())) == ["app", "base", "docs"]
    assert "[docs" in result.stderr


def test_a_failure_names_its_target(buildkit_host: str) -> None:
    result = llb("bake", "broken", "--progress=none", f"--addr={buildkit_host}")
    assert result.status == 1
    assert "target broken: " in result.stderr
    assert "Traceback" not in result.stderr


def test_dockerfiles_are_checked_without_a_build(buildkit_host: str, project: Path) -> None:
    (project / "Dockerfile").write_text("FROM busybox AS base\nRUN exit 1\nFROM base as last\n")
    result = llb("bake", "--check", "-f-", f"--addr={buildkit_host}", stdin=b'target "default" {}')
    assert result.status == 1
    assert "FromAsCasing" in result.stdout


def test_a_program_changes_targets_and_builds_them(buildkit_host: str, project: Path) -> None:
    plan = bake.load()
    plan = plan.with_target(evolve(plan["base"], args={"WORD": "changed"}))
    with Client(buildkit_host) as client:
        results = bake.build(plan, client, targets=["app"])
        with pytest.raises(SolveError, match="target broken: "):
            bake.build(plan, client, targets=["broken"])
    assert sorted(results) == ["app", "base"]
    assert (project / "out" / "app").read_text() == "changed\n"


def test_a_context_of_several_targets_is_sent_once(buildkit_host: str, project: Path) -> None:
    (project / "data").write_bytes(os.urandom(MIB))
    (project / "Dockerfile").write_text("FROM scratch\nARG NAME\nLABEL name=$NAME\nCOPY data /\n")
    names = ("one", "two", "three", "four")
    plan = bake.Plan([bake.Target(name, args={"NAME": name}) for name in names])
    sent: dict[str, int] = {}

    def count(event: Event) -> None:
        if isinstance(event, VertexStatus) and event.name == "transferring":
            # The name of the target follows the digest.
            digest = event.vertex.rpartition(":")[0]
            sent[digest] = max(event.current, sent.get(digest, 0))

    with Client(buildkit_host) as client:
        assert sorted(bake.build(plan, client, targets=names, on_event=count)) == sorted(names)
    assert MIB <= sum(sent.values()) < 1.1 * MIB


@pytest.mark.parametrize("mode", ["defer-error", "defer-output", "fail-fast,parallel=1"])
def test_jobs_say_what_a_failure_means_for_other_targets(
    buildkit_host: str, project: Path, mode: str
) -> None:
    options = ("--progress=none", "--metadata-file=metadata.json", f"--jobs={mode}")
    result = llb("bake", "broken", "docs", *options, f"--addr={buildkit_host}")
    assert result.status == 1
    assert result.stderr.count("error: ") == 1
    assert "target broken: process " in result.stderr
    is_built = mode == "defer-error"
    assert (project / "metadata.json").exists() is is_built
    if is_built:
        assert list(json.loads((project / "metadata.json").read_text())) == ["docs"]
    if mode == "defer-output":
        assert not (project / "pages").exists()


def test_raw_progress_names_the_target_of_each_step(buildkit_host: str) -> None:
    result = llb("bake", "--progress=rawjson", f"--addr={buildkit_host}")
    assert result.status == 0, result.stderr
    *reports, _, _ = result.stderr.splitlines()
    steps = [step["name"] for line in reports for step in json.loads(line).get("vertexes", ())]
    assert steps
    assert {step.split()[0] for step in steps} <= {
        "[app",
        "[base",
        "[docs",
        "[app]",
        "[base]",
        "[docs]",
    }


def test_deferred_outputs_are_written_once_all_targets_are_built(
    buildkit_host: str, project: Path
) -> None:
    result = llb("bake", "--jobs=defer-output", "--progress=none", f"--addr={buildkit_host}")
    assert result.status == 0, result.stderr
    assert (project / "out" / "app").exists()
    assert (project / "pages" / "page.txt").exists()


def test_a_bake_file_and_its_contexts_are_read_from_a_repository(
    buildkit_host: str, project: Path, tmp_path: Path
) -> None:
    files = {"docker-bake.hcl": FILE, "page.txt": "a page of the repository\n"}
    make_repository(tmp_path, files, tag="v1")
    shutil.rmtree(tmp_path / "tree")
    (project / "docker-bake.hcl").unlink()
    with serving_git(tmp_path, token="t0ken") as url:
        address = url.replace("://", "://user:t0ken@") + "/repository.git#v1"
        result = llb(
            "bake", address, "docs", "--allow=fs=*", "--progress=plain", f"--addr={buildkit_host}"
        )
    assert result.status == 0, result.stderr
    assert (project / "pages" / "page.txt").read_text() == "a page of the repository\n"
