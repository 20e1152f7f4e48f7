"""Builds that two daemons share by their platforms, compared with those of buildx."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb.client import Annotation, Builder, Client, imagetools, oci
from tests.e2e.conftest import STACK
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

AMD, ARM = "linux/amd64", "linux/arm64"
# Nothing in it runs, so that one machine builds it for both.
DOCKERFILE = """\
FROM scratch AS files
ARG TARGETARCH
WORKDIR /$TARGETARCH
COPY word /copied
FROM scratch
COPY --from=files / /
ENV A=b
LABEL c=d
"""


@pytest.fixture(scope="session")
def buildx(stack: dict[str, str]) -> str:
    """The path of the stack's buildx."""
    assert stack
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    return process.stdout.strip()


@pytest.fixture
def other(start_buildkitd: Callable[..., Buildctl]) -> str:
    """The address of another daemon."""
    return start_buildkitd().address


@pytest.fixture
def pair(
    buildkit_host: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Builder:
    """A builder whose first node is for amd64, and the second for arm64."""
    for name in ("DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDX_CONFIG", "BUILDKIT_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    builder = Builder.create(
        "pair", driver="remote", node="amd", endpoint=buildkit_host, platforms=[AMD]
    )
    builder.append("arm", endpoint=other, platforms=[ARM])
    return builder


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "word").write_text(tmp_path.name)
    return folder


def refs(address: str) -> set[str]:
    """The builds in the history of a daemon."""
    with Client(address) as client:
        return {record.ref for record in client.history().builds()}


def run_both(buildx: str, common: list[str], theirs: list[str], ours: list[str]) -> None:
    """Run the same build with buildx and with llb; the last arguments are those that differ."""
    command = [buildx, "build", *common, *theirs]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    process = cli("build", *common, *ours)
    assert process.returncode == 0, process.stderr


def options_for(context: Path, builder: Builder, provenance: str) -> list[str]:
    platforms = f"--platform={AMD},{ARM}"
    return [str(context), "--builder", builder.name, platforms, "--provenance", provenance]


def platforms_in(index: dict[str, Any]) -> list[str]:
    return [
        f"{one['platform']['os']}/{one['platform']['architecture']}" for one in index["manifests"]
    ]


def test_a_pushed_image_is_that_of_buildx(
    buildx: str, pair: Builder, other: str, registry: str, context: Path, tmp_path: Path
) -> None:
    name = f"{registry}/nodes/{tmp_path.name}".lower()

    def outputs(tag: str) -> list[str]:
        output = f"type=image,push=true,rewrite-timestamp=true,name={name}:{tag}"
        return ["--output", output, "--metadata-file", str(tmp_path / f"{tag}.json")]

    annotation = ["--annotation", "manifest-descriptor:c=d"]
    common = [*options_for(context, pair, "false"), *annotation]
    run_both(buildx, common, outputs("theirs"), outputs("ours"))
    theirs, ours = (
        json.loads((tmp_path / f"{tag}.json").read_text()) for tag in ("theirs", "ours")
    )
    assert ours["containerimage.digest"] == theirs["containerimage.digest"]
    with imagetools.RegistryClient() as client:
        repository = client.repository(name)
        manifests = [repository.manifest(tag).content for tag in ("theirs", "ours")]
        assert sorted(repository.tags()) == ["ours", "theirs"]
    assert manifests[0] == manifests[1]
    index = json.loads(manifests[0])
    assert platforms_in(index) == [AMD, ARM]
    assert [one["annotations"]["c"] for one in index["manifests"]] == ["d", "d"]
    assert ours["containerimage.descriptor"]["digest"] == ours["containerimage.digest"]


def test_attestations_are_where_buildx_has_them(
    buildx: str, pair: Builder, registry: str, context: Path, tmp_path: Path
) -> None:
    name = f"{registry}/nodes/{tmp_path.name}".lower()
    output = f"type=image,push=true,rewrite-timestamp=true,name={name}"
    common = options_for(context, pair, "mode=max")
    run_both(buildx, common, ["-o", f"{output}:theirs"], ["-o", f"{output}:ours"])
    with imagetools.RegistryClient() as client:
        contents = [client.repository(name).manifest(tag).content for tag in ("theirs", "ours")]
    indexes = [json.loads(content)["manifests"] for content in contents]
    for index in indexes:
        assert len(index) == 4
        for entry in index:
            # Provenance has the times of the build.
            if entry["platform"]["os"] == "unknown":
                del entry["digest"], entry["size"]
    assert indexes[0] == indexes[1]


def test_directories_are_those_of_buildx(
    buildx: str, pair: Builder, context: Path, tmp_path: Path
) -> None:
    common = options_for(context, pair, "false")
    run_both(buildx, common, ["-o", str(tmp_path / "theirs")], ["-o", str(tmp_path / "ours")])
    trees = [
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        for folder in (tmp_path / "theirs", tmp_path / "ours")
    ]
    assert trees[0] == trees[1]
    assert "linux_amd64/amd64" in trees[1]
    assert "linux_arm64/arm64" in trees[1]


def test_linked_targets_of_a_bake_file_are_those_of_buildx(
    buildx: str, pair: Builder, registry: str, context: Path, tmp_path: Path
) -> None:
    name = f"{registry}/nodes/{tmp_path.name}".lower()
    (context / "app.Dockerfile").write_text("FROM base\nCOPY word /again\n")
    (tmp_path / "bake.json").write_text(
        json.dumps(
            {
                "target": {
                    "base": {"context": str(context), "platforms": [AMD, ARM]},
                    "app": {
                        "context": str(context),
                        "dockerfile": "app.Dockerfile",
                        "contexts": {"base": "target:base"},
                        "platforms": [AMD, ARM],
                        "attest": ["type=provenance,disabled=true"],
                    },
                }
            }
        )
    )
    digests = []
    for tag, command in (("theirs", [buildx]), ("ours", [sys.executable, "-m", "llb"])):
        output = f"type=image,push=true,rewrite-timestamp=true,name={name}:{tag}"
        metadata = str(tmp_path / f"{tag}.json")
        options = ["--builder", pair.name, "-f", str(tmp_path / "bake.json")]
        options += ["--set", f"app.output={output}", "--metadata-file", metadata]
        process = subprocess.run(
            [*command, "bake", *options, "app"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert process.returncode == 0, process.stderr
        digests.append(json.loads(Path(metadata).read_text())["app"]["containerimage.digest"])
    assert digests[0] == digests[1]
    with imagetools.RegistryClient() as client:
        assert client.repository(name).resolve("ours").digest == digests[1]


def test_an_archive_is_that_of_one_node(
    pair: Builder, buildkit_host: str, context: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "name": "example.com/app:1",
        "rewrite_timestamp": True,
        "annotations": [Annotation("a", "b", "index-descriptor")],
    }
    for name, address in (("pair", f"builder://{pair.name}"), ("one", buildkit_host)):
        with Client(address) as client:
            output = oci(tmp_path / f"{name}.tar", **options)
            client.build_image(context, platforms=[AMD, ARM], outputs=output, provenance=False)
    members = [read_archive(tmp_path / f"{name}.tar") for name in ("pair", "one")]
    assert members[0] == members[1]


def read_archive(path: Path) -> dict[str, tuple[int, int, bytes]]:
    with tarfile.open(path) as archive:
        return {
            member.name.rstrip("/"): (member.mode, int(member.mtime), read_member(archive, member))
            for member in archive
        }


def read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def test_each_platform_is_built_on_its_node_with_attestations(
    pair: Builder, buildkit_host: str, other: str, registry: str, context: Path, tmp_path: Path
) -> None:
    name = f"{registry}/nodes/{tmp_path.name}".lower()
    names: set[str] = set()
    with Client(f"builder://{pair.name}") as client:
        result = client.build_image(
            context,
            platforms=[ARM, AMD],
            tags=[f"{name}:1", f"{name}/more:2"],
            push=True,
            provenance="mode=max",
            annotations=["index:a=b"],
            on_event=lambda event: names.add(getattr(event, "name", "")),
        )
        assert result.ref in refs(buildkit_host) & refs(other)
        single = client.build_image(context, platforms=ARM)
        assert single.ref in refs(other) - refs(buildkit_host)
    assert any(step.startswith("[arm linux/arm64 ") for step in names), names
    assert any(step.startswith("[amd linux/amd64 ") for step in names), names
    for tag in (f"{name}:1", f"{name}/more:2"):
        with imagetools.inspect(tag) as image:
            assert image.descriptor.digest == result.digest
            index = json.loads(image.content)
            assert index["annotations"] == {"a": "b"}
            assert platforms_in(index) == [ARM, "unknown/unknown", AMD, "unknown/unknown"]
            assert sorted(image.provenance()) == [AMD, ARM]


def test_nothing_is_tagged_or_written_if_a_node_fails(
    pair: Builder, registry: str, context: Path, tmp_path: Path
) -> None:
    (context / "Dockerfile").write_text(
        "ARG TARGETARCH\nFROM scratch AS amd64\nCOPY word /\nFROM scratch AS arm64\n"
        "COPY missing /\nFROM $TARGETARCH\n"
    )
    name = f"{registry}/nodes/{tmp_path.name}:1".lower()
    options = ["--builder", pair.name, "--platform", f"{AMD},{ARM}", "-o", str(tmp_path / "out")]
    process = cli("build", context, *options, "-t", name, "--push")
    assert process.returncode == 1
    assert "node arm: " in process.stderr
    assert "missing" in process.stderr
    assert not (tmp_path / "out").exists()
    process = cli("imagetools", "inspect", name)
    assert process.returncode == 1
