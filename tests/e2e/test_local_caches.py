"""Local caches: llb and buildctl read each other's caches."""

from __future__ import annotations

import json
import subprocess
import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, Event, Vertex, VertexWarning, local_cache
from llb.client.caches import Cache
from llb.client.export.cache_lock import CacheLock
from llb.client.export.oci_layout import Layout
from llb.errors import SolveError
from tests.e2e.test_failures import check_error, cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context whose Dockerfile has a step that cannot be cached yet."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM busybox\nRUN echo {uuid.uuid4()} > /made\n")
    return folder


def frontend_arguments(context: Path) -> list[str]:
    return [
        *("--frontend", "dockerfile.v0"),
        *("--local", f"context={context}", "--local", f"dockerfile={context}"),
    ]


def is_run_cached(events: list[Event]) -> bool:
    """Check whether the last report of the RUN step says that it was cached."""
    vertices = [event for event in events if isinstance(event, Vertex) and " RUN " in event.name]
    return vertices[-1].cached


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
def test_buildctl_uses_a_cache_of_llb(
    buildctl: Buildctl, start_buildkitd: Callable[[], Buildctl], context: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    process = cli(
        *("build", context, "--cache-to", f"type=local,dest={folder},mode=max,tag=main"),
        address=buildctl.address,
    )
    assert process.returncode == 0, process.stderr
    assert sorted(path.name for path in folder.iterdir()) == [
        *("blobs", "cache.lock", "index.json", "oci-layout"),
    ]
    second_daemon = start_buildkitd()
    process = subprocess.run(
        [
            *(
                second_daemon.program,
                "--addr",
                second_daemon.address,
                "build",
                "--progress",
                "rawjson",
            ),
            *(*frontend_arguments(context), "--import-cache", f"type=local,src={folder},tag=main"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    reports = [json.loads(line) for line in process.stderr.splitlines() if line[0] == "{"]
    vertices = [vertex for report in reports for vertex in report.get("vertexes", ())]
    assert [vertex.get("cached") for vertex in vertices if " RUN " in vertex["name"]][-1] is True


@pytest.mark.feature("M2")
def test_llb_uses_a_cache_of_buildctl(
    buildctl: Buildctl, start_buildkitd: Callable[[], Buildctl], context: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    buildctl(
        "build",
        *frontend_arguments(context),
        "--export-cache",
        f"type=local,dest={folder},mode=max",
    )
    digest = Layout(folder).find("latest")["digest"]  # type: ignore[index]
    assert is_run_cached(solve(start_buildkitd().address, context, local_cache(folder)))
    by_digest = f"type=local,src={folder},digest={digest}"
    assert is_run_cached(solve(start_buildkitd().address, context, by_digest))


@pytest.mark.feature("M2")
def test_one_folder_is_both_cache_source_and_destination(
    buildkit_host: str, start_buildkitd: Callable[[], Buildctl], tmp_path: Path
) -> None:
    cache = local_cache(tmp_path / "cache", mode="max")
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /made", name="[1/1] RUN echo")
    first: list[Event] = []
    with Client(buildkit_host) as client:
        client.solve(state, cache_from=[cache], cache_to=[cache], on_event=first.append)
    warning = f"no cache imported from {tmp_path}/cache: the folder does not exist"
    assert [event.short for event in first if isinstance(event, VertexWarning)] == [warning]
    second: list[Event] = []
    with Client(start_buildkitd().address) as second_client:
        second_client.solve(state, cache_from=[cache], cache_to=[cache], on_event=second.append)
    assert is_run_cached(second)
    assert not [event for event in second if isinstance(event, VertexWarning)]


def test_a_reset_cache_keeps_only_required_blobs(
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
    with Client(start_buildkitd().address) as second_client:
        second_client.solve(states[1], cache_from=[cache], on_event=events.append)
    assert is_run_cached(events)


def export_with_buildctl(buildctl: Buildctl, folder: Path, *, reset: bool) -> None:
    """Build something new, and export its cache."""
    definition = Image("busybox").run(f"echo {uuid.uuid4()} > /made").marshal().to_bytes()
    cache = f"type=local,dest={folder},mode=max,reset={str(reset).lower()}"
    command = [str(buildctl.program), "--addr", buildctl.address, "build", "--export-cache", cache]
    subprocess.run(command, input=definition, check=True, capture_output=True)


def test_a_cleanup_spares_the_blobs_of_a_build_that_is_exporting(
    buildkit_host: str, buildctl: Buildctl, tmp_path: Path
) -> None:
    """Neither program deletes the blobs that the other writes."""
    layout, lock = Layout(tmp_path / "cache"), CacheLock(tmp_path / "cache")

    def export(*, reset: bool) -> None:
        cache = local_cache(layout.path, mode="max", reset=reset)
        with Client(buildkit_host) as client:
            client.solve(Image("busybox").run(f"echo {uuid.uuid4()} > /made"), cache_to=[cache])

    export(reset=False)
    for clean in (export, partial(export_with_buildctl, buildctl, layout.path)):
        # An export that has written a blob, but not yet the index.
        lock.share()
        written = layout.blob(f"sha256:{uuid.uuid4().hex}{uuid.uuid4().hex}")
        written.write_bytes(b"a new layer")
        clean(reset=True)
        assert written.exists()
        lock.release()
        clean(reset=True)
        assert not written.exists()


def test_a_failed_build_leaves_no_cache(buildkit_host: str, tmp_path: Path) -> None:
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /made")
    bad = Cache("registry", {"ref": "localhost:1/none"})
    with Client(buildkit_host) as client, pytest.raises(SolveError, match="localhost:1"):
        client.solve(state, cache_to=[local_cache(tmp_path / "cache"), bad])
    assert list(tmp_path.iterdir()) == []


def test_a_broken_cache_is_left_out_with_a_warning(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{")
    events: list[Event] = []
    with Client(buildkit_host) as client:
        client.solve(Image("busybox"), cache_from=[local_cache(tmp_path)], on_event=events.append)
    (warning,) = (event.short for event in events if isinstance(event, VertexWarning))
    assert warning == (
        f"no cache imported from {tmp_path}: cannot read {tmp_path}/index.json: it is not JSON"
    )


def test_a_cache_destination_that_is_not_a_folder_is_named(
    buildkit_host: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    target = tmp_path / "Dockerfile"
    process = cli(
        "build", tmp_path, "--cache-to", f"type=local,dest={target}", address=buildkit_host
    )
    check_error(process, f"cannot write an OCI layout to {target}: it is not a directory")
