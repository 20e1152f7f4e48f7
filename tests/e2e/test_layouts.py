"""OCI layouts on the client as sources, contexts and destinations, compared with buildctl."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, OCILayout, Scratch
from llb.client import Client, local, oci
from llb.client.export.oci_layout import Layout
from llb.errors import InputError, InvalidValueError, SolveError
from tests.e2e.test_failures import check_error, cli

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


def list_paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write_with_buildctl(buildctl: Buildctl, folder: Path, content: str) -> str:
    """Export an image to a layout with buildctl; return the digest in the layout's index."""
    context = folder.with_name(f"{folder.name}-context")
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM busybox\nRUN echo {content} > /who\n")
    buildctl(
        *("build", "--frontend", "dockerfile.v0", "--local", f"context={context}"),
        *("--local", f"dockerfile={context}"),
        *("--output", f"type=oci,tar=false,dest={folder},name=example.com/base:1"),
    )
    (manifest,) = Layout(folder).manifests()
    return str(manifest["digest"])


@pytest.mark.feature("N14")
def test_a_layout_of_buildctl_is_a_source(buildctl: Buildctl, tmp_path: Path) -> None:
    digest = write_with_buildctl(buildctl, tmp_path / "layout", content := uuid.uuid4().hex)
    state = OCILayout(f"example.com/base@{digest}", store_id="base").run("cat /who > /again")
    with Client(buildctl.address) as client:
        layouts = {"base": tmp_path / "layout"}
        client.solve(state, oci_layouts=layouts, exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "again").read_text() == f"{content}\n"


@pytest.mark.feature("C10", "N14")
@pytest.mark.parametrize("name", ["dockerfile.v0", "gateway.v0"])
def test_a_layout_is_a_context_of_a_dockerfile(
    name: str, frontend: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    digest = write_with_buildctl(buildctl, tmp_path / "layout", content := uuid.uuid4().hex)
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN cat /who > /again\n")
    process = cli(
        *("build", tmp_path, "--oci-layout", f"base={tmp_path}/layout", "-o", tmp_path / "out"),
        *("--opt", f"context:base=oci-layout://base@{digest}"),
        *("--frontend", name, "--opt", f"source={frontend}"),
        address=buildctl.address,
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "again").read_text() == f"{content}\n"


def test_a_layout_of_llb_is_a_source_of_buildctl(buildctl: Buildctl, tmp_path: Path) -> None:
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /who")
    with Client(buildctl.address) as client:
        export = oci(tmp_path / "layout", name=["example.com/a:1", "example.com/a"], tar=False)
        result = client.solve(state, exports=[export])
        client.solve(state, exports=[local(tmp_path / "ours")])
    names = [manifest["annotations"] for manifest in Layout(tmp_path / "layout").manifests()]
    assert [name["io.containerd.image.name"] for name in names] == [  # type: ignore[index]
        "example.com/a:1",
        "example.com/a:latest",
    ]
    assert [name["org.opencontainers.image.ref.name"] for name in names] == ["1", "latest"]  # type: ignore[index]
    (tmp_path / "Dockerfile").write_text("FROM base\n")
    buildctl(
        *("build", "--frontend", "dockerfile.v0", "--local", f"context={tmp_path}"),
        *("--local", f"dockerfile={tmp_path}", "--oci-layout", f"base={tmp_path}/layout"),
        *("--opt", f"context:base=oci-layout://base@{result.digest}"),
        *("--output", f"type=local,dest={tmp_path}/theirs"),
    )
    ours, theirs = (tmp_path / name / "who" for name in ("ours", "theirs"))
    assert ours.read_text() == theirs.read_text()


@pytest.mark.feature("L10")
def test_a_layout_equals_that_of_buildctl(buildctl: Buildctl, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo same > /same\n")
    output = "type=oci,tar=false,name=example.com/same:1,source-date-epoch=1,rewrite-timestamp=true"
    process = cli(
        *("build", tmp_path, "-o", f"{output},dest={tmp_path}/ours"), address=buildctl.address
    )
    assert process.returncode == 0, process.stderr
    buildctl(
        *("build", "--frontend", "dockerfile.v0", "--local", f"context={tmp_path}"),
        *("--local", f"dockerfile={tmp_path}", "--output", f"{output},dest={tmp_path}/theirs"),
    )
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert list_paths(ours) == [name for name in list_paths(theirs) if name != "ingest"]
    for name in ("index.json", "oci-layout"):
        assert json.loads((ours / name).read_text()) == json.loads((theirs / name).read_text())


@pytest.mark.feature("L10")
def test_an_image_is_added_to_a_layout(buildkit_host: str, tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    with Client(buildkit_host) as client:
        for name in ("one", "two", "one"):
            state = Scratch().mkfile("/x", uuid.uuid4().hex)
            client.solve(state, exports=[oci(folder, name=f"example.com/{name}", tar=False)])
    layout = Layout(folder)
    assert len(layout.manifests()) == 2
    assert layout.find("example.com/one:latest") != layout.find("example.com/two:latest")


@pytest.mark.feature("N15")
def test_a_failed_build_leaves_no_layout(buildkit_host: str, tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    state = Scratch().mkfile("/x", uuid.uuid4().hex)
    failing = [oci(folder, tar=False), oci(tmp_path / "image.tar", name="UPPER")]
    with Client(buildkit_host) as client, pytest.raises(SolveError, match="lowercase"):
        client.solve(state, exports=failing)
    assert list_paths(tmp_path) == []


def test_a_missing_layout_is_named(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    state = OCILayout(f"example.com/x@sha256:{'0' * 64}", store_id="base")
    with Client(buildkit_host) as client:
        with pytest.raises(InputError, match="asks for the OCI layout 'base', and none is given"):
            client.solve(state)
        with pytest.raises(InputError, match="missing folder blobs"):
            client.solve(state, oci_layouts={"base": tmp_path / "empty"})
        with pytest.raises(InputError, match="it does not exist"):
            client.solve(state, oci_layouts={"base": tmp_path / "none"})
        with pytest.raises(InvalidValueError, match="a build can write only one OCI layout"):
            client.solve(Scratch(), exports=[oci(tmp_path / name, tar=False) for name in "ab"])


def test_a_missing_blob_of_a_layout_fails_the_build(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    state = OCILayout(f"example.com/x@sha256:{'0' * 64}", store_id="base")
    with Client(buildkit_host) as client, pytest.raises(SolveError, match="not found"):
        client.solve(state, oci_layouts={"base": tmp_path})


def test_an_invalid_layout_option_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    process = cli("build", tmp_path, "--oci-layout", "base")
    assert process.returncode == 2
    assert "'base' is malformed: expected NAME=DIR" in process.stderr


def test_a_missing_layout_exits_with_1(tmp_path: Path, buildkit_host: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    process = cli(
        *("build", tmp_path, "--oci-layout", f"base={tmp_path}/none"), address=buildkit_host
    )
    check_error(process, f"cannot use {tmp_path}/none as the OCI layout 'base': it does not exist")
