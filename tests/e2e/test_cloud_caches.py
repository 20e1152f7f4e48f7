"""Caches in S3, Azure and GitHub: the daemon passes the client's options to the object store."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Cache, Client, Event, Vertex
from tests.e2e.object_store import running_object_store
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl
    from tests.e2e.object_store import ObjectStore


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with running_object_store() as running:
        yield running


def s3(store: ObjectStore) -> Cache:
    attrs = {
        "bucket": "caches",
        "region": "us-east-1",
        "endpoint_url": store.address,
        "access_key_id": "key",
        "secret_access_key": "s3cr3t",
        "use_path_style": "true",
        "name": "main",
        "prefix": "builds/",
        "blobs_prefix": "layers/",
        "mode": "max",
    }
    return Cache("s3", attrs)


def azure(store: ObjectStore) -> Cache:
    # The container exists.
    store.objects["/account/caches"] = b""
    attrs = {
        "account_url": f"{store.address}/account",
        "account_name": "account",
        "secret_access_key": base64.b64encode(b"s3cr3t").decode(),
        "container": "caches",
        "name": "main",
        "prefix": "builds/",
        "blobs_prefix": "layers",
        "mode": "max",
    }
    return Cache("azblob", attrs)


@pytest.mark.feature("M3")
@pytest.mark.parametrize(
    ("make", "manifest", "layers", "authorization"),
    [
        (s3, "/caches/builds/manifests/main", "/caches/builds/layers/", "AWS4-HMAC-SHA256 Cred"),
        (
            azure,
            "/account/caches/builds/manifests/main",
            "/account/caches/builds/layers/",
            "SharedKey account:",
        ),
    ],
)
def test_an_object_store_cache_saves_another_daemon_the_steps(
    make: Callable[[ObjectStore], Cache],
    manifest: str,
    layers: str,
    authorization: str,
    store: ObjectStore,
    buildkit_host: str,
    start_buildkitd: Callable[[], Buildctl],
) -> None:
    cache = make(store)
    state = Image("busybox").run(f"echo {uuid.uuid4()} > /made", name="make it")
    with Client(buildkit_host) as client:
        client.solve(state, cache_to=[cache])
    assert manifest in store.objects
    assert any(path.startswith(f"{layers}sha256:") for path in store.objects)
    events: list[Event] = []
    with Client(start_buildkitd().address) as second_client:
        second_client.solve(state, cache_from=[cache], on_event=events.append)
    steps = [event for event in events if isinstance(event, Vertex) and event.name == "make it"]
    assert steps[-1].cached
    assert all(header.startswith(authorization) for _, _, header in store.requests)
    assert "s3cr3t" not in repr(cache)


@pytest.mark.feature("M4")
@pytest.mark.since("v0.20.0", "the second version of the cache of GitHub Actions")
def test_a_github_cache_is_requested_with_the_token_of_the_workflow(
    store: ObjectStore, buildkit_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = json.dumps([{"Scope": "refs/heads/main", "Permission": 3}])
    claims = json.dumps({"ac": scopes, "exp": 4_000_000_000, "nbf": 0}).encode()
    parts = (b'{"alg":"none"}', claims, b"signed")
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    monkeypatch.setenv("ACTIONS_CACHE_SERVICE_V2", "true")
    monkeypatch.setenv("ACTIONS_RESULTS_URL", f"{store.address}/")
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", token)
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN echo {uuid.uuid4()}\n")
    cache = "type=gha,scope=main,timeout=2s"
    process = cli(
        *("build", tmp_path, "--cache-from", cache),
        *("--cache-to", f"{cache},mode=max,ignore-error=true"),
        address=buildkit_host,
    )
    assert process.returncode == 0, process.stderr
    assert token not in process.stderr
    service = "/twirp/github.actions.results.api.v1.CacheService/"
    requests = {(path, header) for _, path, header in store.requests}
    assert requests
    assert all(
        path.startswith(service) and header == f"Bearer {token}" for path, header in requests
    )
