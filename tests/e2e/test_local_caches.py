"""Caches in folders of the client: ours read by buildctl, buildctl's by ours."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, Event, Vertex, VertexWarning, local_cache
from llb.client.caches import Cache
from llb.client.export.oci_layout import Layout
from llb.errors import InputError, SolveError
from tests.e2e.test_failures import check_error, cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder with a Dockerfile whose step no build made before."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN echo {uuid.uuid4()} > /made\n")
    return folder


def dockerfile(context: Path) -> list[str]:
    return [
        *("--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
    ]


def is_spared(events: list[Event]) -> bool:
    """Return whether the step RUN came from a cache, as it was reported last."""
    found = [each for each in events if isinstance(each, Vertex) and " RUN " in each.name]
    return found[-1].cached


def solve(address: str, context: Path, *sources: str | Cache) -> list[Event]:
    events: list[Event] = []
    with Client(address) as client:
        client.solve(
            frontend="dockerfile.v0",
            local_dirs={"context": context, "dockerfile": context},
            cache_from=sources,
            on_event=events.append,
        )
    return events


@pytest.mark.feature("M2")
def test_a_cache_of_ours_spares_buildctl_the_step(
    buildctl: Buildctl, start_buildkitd: Callable[[], Buildctl], context: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    done = cli(
        *("build", context, "--cache-to", f"type=local,dest={folder},mode=max,tag=main"),
        address=buildctl.address,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["blobs", "index.json", "oci-layout"]
    other = start_buildkitd()
    done = subprocess.run(
        [
            *(other.program, "--addr", other.address, "build", "--progress", "rawjson"),
            *(*dockerfile(context), "--import-cache", f"type=local,src={folder},tag=main"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    reports = [json.loads(line) for line in done.stderr.splitlines() if line[0] == "{"]
    vertices = [each for report in reports for each in report.get("vertexes", ())]
    assert [each.get("cached") for each in vertices if " RUN " in each["name"]][-1] is True


@pytest.mark.feature("M2")
def test_a_cache_of_buildctl_spares_us_the_step(
    buildctl: Buildctl, start_buildkitd: Callable[[], Buildctl], context: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    buildctl("build", *dockerfile(context), "--export-cache", f"type=local,dest={folder},mode=max")
    digest = Layout(folder).find("latest")["digest"]  # type: ignore[index]
    assert is_spared(solve(start_buildkitd().address, context, local_cache(folder)))
    by_digest = f"type=local,src={folder},digest={digest}"
    assert is_spared(solve(start_buildkitd().address, context, by_digest))


@pytest.mark.feature("M2")
def test_a_definition_reads_and_writes_a_cache_in_one_folder(
    buildkit_host: str, start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    cache = local_cache(tmp_path / "cache", mode="max")
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /made", name="[1/1] RUN echo")
    first: list[Event] = []
    with Client(buildkit_host) as client:
        client.solve(state, cache_from=[cache], cache_to=[cache], on_event=first.append)
    warning = f"no cache imported from {tmp_path}/cache: latest does not exist"
    assert [each.short for each in first if isinstance(each, VertexWarning)] == [warning]
    second: list[Event] = []
    with Client(start_buildkitd().address) as other:
        other.solve(state, cache_from=[cache], cache_to=[cache], on_event=second.append)
    assert is_spared(second)
    assert not [each for each in second if isinstance(each, VertexWarning)]


def test_a_cache_that_is_reset_keeps_what_it_needs_alone(
    buildkit_host: str, start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "cache")
    cache = local_cache(layout.path, mode="max", reset=True)
    states = [
        Image("busybox").run(f"echo {uuid.uuid4()} > /made", name="[1/1] RUN echo") for _ in "ab"
    ]
    counts = []
    with Client(buildkit_host) as client:
        for state in states:
            client.solve(state, cache_to=[cache])
            counts.append(len(list(layout.digests())))
    assert counts[0] == counts[1]
    events: list[Event] = []
    with Client(start_buildkitd().address) as other:
        other.solve(states[1], cache_from=[cache], on_event=events.append)
    assert is_spared(events)


def test_nothing_of_a_cache_is_left_by_a_build_that_fails(
    buildkit_host: str, tmp_path: Path
) -> None:
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /made")
    bad = Cache("registry", {"ref": "localhost:1/none"})
    with Client(buildkit_host) as client, pytest.raises(SolveError, match="localhost:1"):
        client.solve(state, cache_to=[local_cache(tmp_path / "cache"), bad])
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_cannot_be_read_is_named(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{")
    with Client(buildkit_host) as client, pytest.raises(InputError, match="it is not JSON"):
        client.solve(Image("busybox"), cache_from=[local_cache(tmp_path)])


def test_a_place_that_is_no_folder_is_named(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    target = tmp_path / "Dockerfile"
    done = cli("build", tmp_path, "--cache-to", f"type=local,dest={target}", address=buildkit_host)
    check_error(done, f"cannot write an OCI layout to {target}: it is not a directory")
