"""Image names, pushes, caches and entitlements with a real daemon and registry."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, Event, Vertex, image, local
from llb.client.caches import inline_cache, registry_cache
from llb.errors import SolveError
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl


def llb(*arguments: str | Path, address: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llb", "build", *arguments, "--addr", address],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def fetch_manifest(registry: str, name: str, tag: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://{registry}/v2/{name}/manifests/{tag}",
        headers={
            "Accept": "application/vnd.oci.image.manifest.v1+json, "
            "application/vnd.oci.image.index.v1+json, "
            "application/vnd.docker.distribution.manifest.v2+json"
        },
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        content: dict[str, object] = json.load(answer)
    return content


@pytest.mark.feature("L1")
def test_an_image_is_pushed_under_all_its_names(
    buildkit_host: str, registry: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WHO\nRUN echo $WHO > /who\n")
    name = f"test/{uuid.uuid4().hex}"
    process = llb(
        *(".", "-t", f"{registry}/{name}", "-t", f"{registry}/{name}:two", "--push"),
        *("--label", "a=b", "--build-arg", "WHO=me", "--iidfile", "iid"),
        address=buildkit_host,
        cwd=tmp_path,
    )
    assert process.returncode == 0, process.stderr
    assert fetch_manifest(registry, name, "latest") == fetch_manifest(registry, name, "two")
    assert (tmp_path / "iid").read_text().startswith("sha256:")


@pytest.mark.feature("L1")
def test_a_push_without_a_name_is_refused(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\n")
    process = llb(".", "--push", address=buildkit_host, cwd=tmp_path)
    assert process.returncode == 2
    assert "a push needs a name for the image" in process.stderr


@pytest.mark.feature("M1")
@pytest.mark.parametrize("kind", ["registry", "inline"])
def test_a_registry_cache_saves_another_daemon_the_steps(
    kind: str, buildkit_host: str, registry: str, start_buildkitd: Callable[[], Buildctl]
) -> None:
    name = f"{registry}/test/{uuid.uuid4().hex}"
    state = Image("busybox").run(f"echo {name} > /made", name="make it")
    cache = inline_cache() if kind == "inline" else registry_cache(f"{name}-cache", mode="max")
    with Client(buildkit_host) as client:
        client.solve(state, exports=[image(name, push=True)], cache_to=[cache])
    events: list[Event] = []
    source = name if kind == "inline" else f"{name}-cache"
    with Client(start_buildkitd().address) as second_client:
        second_client.solve(state, cache_from=[source], on_event=events.append)
    steps = [event for event in events if isinstance(event, Vertex) and event.name == "make it"]
    assert steps[-1].cached


@pytest.mark.feature("K11")
def test_the_daemon_refuses_an_entitlement_that_is_not_allowed(buildkit_host: str) -> None:
    state = Image("busybox").run("true", network="host", ignore_cache=True)
    with (
        Client(buildkit_host) as client,
        pytest.raises(SolveError, match=r"network\.host") as caught,
    ):
        client.solve(state)
    assert caught.value.hint == "grant it with allow='network.host'"


@pytest.mark.feature("K12")
def test_allowed_entitlements_take_effect(buildkit_host: str, tmp_path: Path) -> None:
    capabilities = "grep CapEff /proc/self/status"
    state = Image("busybox").run(f"{capabilities} > /plain", network="none", ignore_cache=True)
    state = state.run(
        f"{capabilities} > /insecure; readlink /proc/self/ns/net > /net",
        security="insecure",
        network="host",
        ignore_cache=True,
    )
    allowed = ("network.host", "security.insecure")
    with Client(buildkit_host) as client:
        client.solve(state, allow=allowed, exports=[local(tmp_path / "out")])
    plain, insecure = (
        int((tmp_path / "out" / name).read_text().split()[1], 16) for name in ("plain", "insecure")
    )
    assert insecure & plain == plain
    assert insecure != plain
    # The daemon runs in this machine's network namespace.
    network = str(Path("/proc/self/ns/net").readlink())
    assert (tmp_path / "out" / "net").read_text().strip() == network


@pytest.mark.feature("K12")
def test_the_command_line_allows_entitlements(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN --network=host true\n")
    process = llb(".", "--no-cache", address=buildkit_host, cwd=tmp_path)
    assert process.returncode == 1
    assert process.stderr.endswith(
        "network.host is not allowed\nhint: grant it with --allow network.host\n"
    )
    process = llb(".", "--no-cache", "--allow", "network.host", address=buildkit_host, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
