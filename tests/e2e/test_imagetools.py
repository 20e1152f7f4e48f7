"""Images move between real registries, with tokens and certificates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llb.client import imagetools
from llb.client.imagetools import RegistryClient, RegistryError
from tests.conformance.imagetools.images import REPOSITORY, fill
from tests.e2e.registries import (
    PASSWORD,
    USER,
    htpasswd,
    running_registry,
    running_token_server,
    write_authority,
    write_certificate,
)
from tests.e2e.servers import free_port
from tests.fakes.registry import FakeRegistry, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOGIN = (USER, PASSWORD)


@pytest.fixture
def source() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        fill(registry)
        yield registry


def image(source: FakeRegistry, tag: str) -> str:
    return f"{source.host}/{REPOSITORY}:{tag}"


@pytest.mark.feature("S3")
def test_an_index_is_pushed_with_its_blobs_and_mounted(
    source: FakeRegistry, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "registry", free_port()) as host, RegistryClient() as client:
        tags = [f"{host}/o/app:1", f"{host}/o/app:2"]
        created = imagetools.create(image(source, "attested"), tags=tags, client=client)
        repository = client.repository(f"{host}/o/app")
        assert sorted(repository.tags()) == ["1", "2"]
        assert repository.manifest("2").content == created.content
        imagetools.create(tags[0], tags=f"{host}/other:1", client=client)
        with imagetools.inspect(f"{host}/other:1", client=client) as copy:
            assert list(copy.configs()) == ["linux/amd64", "linux/arm64"]
            assert list(copy.sboms()) == ["linux/amd64"]


@pytest.mark.feature("S4")
@pytest.mark.parametrize("chunk_size", [None, 1000])
def test_a_blob_is_written_and_read(tmp_path: Path, chunk_size: int | None) -> None:
    data = bytes(range(256)) * 20
    with running_registry(tmp_path / "registry", free_port()) as host, RegistryClient() as client:
        repository = client.repository(f"{host}/app")
        digest = repository.put_blob(data, chunk_size=chunk_size)
        descriptor = imagetools.Descriptor("text/plain", digest, len(data))
        assert repository.has_blob(digest)
        assert repository.read_blob(descriptor) == data
        other = client.repository(f"{host}/other")
        other.copy_blob(descriptor, repository)
        assert other.read_blob(descriptor) == data


def test_an_index_without_its_manifests_is_refused(tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    child = {"mediaType": kind, "digest": f"sha256:{'0' * 64}", "size": 7}
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": kind, "manifests": [child]}
    with running_registry(tmp_path / "registry", free_port()) as host, RegistryClient() as client:
        with pytest.raises(RegistryError) as caught:
            client.repository(f"{host}/app").put_manifest(json.dumps(index).encode(), kind, tag="1")
        assert caught.value.status == 400
        assert caught.value.message.startswith(
            f"{host}/app:1: {host} answers PUT of the manifest with status 400 ("
        )


@pytest.mark.feature("S5")
def test_passwords_open_a_registry(source: FakeRegistry, tmp_path: Path) -> None:
    auth = htpasswd(tmp_path)
    with running_registry(tmp_path / "registry", free_port(), auth=auth) as host:
        with RegistryClient(credentials={host: LOGIN, "*": None}) as client:
            imagetools.create(image(source, "multi"), tags=f"{host}/app:1", client=client)
        for credentials in (None, (USER, "wrong")):
            with (
                RegistryClient(credentials={"*": credentials}) as client,
                pytest.raises(RegistryError) as caught,
            ):
                client.repository(f"{host}/app").resolve("1")
            assert caught.value.status == 401


@pytest.mark.feature("S5")
def test_tokens_open_a_registry(source: FakeRegistry, tmp_path: Path) -> None:
    with (
        running_token_server(tmp_path / "tokens") as tokens,
        running_registry(tmp_path / "registry", free_port(), auth=tokens.auth) as host,
        RegistryClient(credentials={host: LOGIN, "*": None}) as client,
    ):
        imagetools.create(image(source, "multi"), tags=f"{host}/app:1", client=client)
        imagetools.create(f"{host}/app:1", tags=f"{host}/copy:1", client=client)
        with imagetools.inspect(f"{host}/copy:1", client=client) as copy:
            assert list(copy.configs()) == ["linux/amd64", "linux/arm64"]
    scopes = [parameters["scope"] for _, parameters in tokens.requests]
    assert "repository:app:pull,push" in scopes
    assert "repository:copy:pull,push repository:app:pull" in scopes


@pytest.mark.feature("S5")
def test_a_registry_with_a_certificate_of_its_own_needs_it(
    source: FakeRegistry, tmp_path: Path
) -> None:
    write_authority(tmp_path / "authority")
    write_certificate(tmp_path / "authority", tmp_path / "server", 1)
    with running_registry(tmp_path / "registry", free_port(), tls=tmp_path / "server") as host:
        options = f"host={host},ca={tmp_path}/server/ca.pem"
        with RegistryClient(credentials={"*": None}, tls=[options]) as client:
            imagetools.create(image(source, "amd64"), tags=f"{host}/app:1", client=client)
            assert list(client.repository(f"{host}/app").tags()) == ["1"]
        with (
            RegistryClient(credentials={"*": None}) as client,
            pytest.raises(RegistryError, match="HTTP request to an HTTPS server"),
        ):
            client.repository(f"{host}/app").resolve("1")
        other = f"host={host},cert={tmp_path}/server/cert.pem,key={tmp_path}/server/key.pem"
        with (
            RegistryClient(credentials={"*": None}, tls=[other]) as client,
            pytest.raises(Exception, match="invalid certificate"),
        ):
            client.repository(f"{host}/app").resolve("1")
