"""Blobs are verified as they are read, and written in one request, in several, or by mounting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client.registries.client import RegistryClient
from llb.client.registries.descriptors import Descriptor
from llb.errors import InvalidValueError, RegistryError, TransportError
from tests.fakes.registry import FakeRegistry, digest_of, error, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.registries.repository import Repository

DATA = bytes(range(256)) * 1000
BLOB = Descriptor("application/octet-stream", digest_of(DATA), len(DATA))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        yield registry


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient(credentials={"*": None}) as client:
        yield client


@pytest.fixture
def repository(registry: FakeRegistry, client: RegistryClient) -> Repository:
    return client.repository(f"{registry.host}/app")


@pytest.fixture
def source(registry: FakeRegistry, client: RegistryClient) -> Repository:
    registry.repository("base").put_blob(DATA)
    return client.repository(f"{registry.host}/base")


def methods(registry: FakeRegistry) -> list[str]:
    return [method for method, _ in registry.requests]


def test_a_blob_is_written_once(registry: FakeRegistry, repository: Repository) -> None:
    assert repository.put_blob(DATA) == repository.put_blob(DATA) == BLOB.digest
    assert registry.repository("app").blobs == {BLOB.digest: DATA}
    assert methods(registry) == ["HEAD", "POST", "PUT", "HEAD"]


def test_a_blob_is_written_in_chunks(registry: FakeRegistry, repository: Repository) -> None:
    repository.put_blob(DATA, chunk_size=100_000)
    assert registry.repository("app").blobs == {BLOB.digest: DATA}
    assert methods(registry) == ["HEAD", "POST", "PATCH", "PATCH", "PATCH", "PUT"]
    ranges = [
        headers["content-range"] for headers in registry.headers if "content-range" in headers
    ]
    assert ranges == ["0-99999", "100000-199999", "200000-255999"]


@pytest.mark.parametrize("chunk_size", [None, 3, 1000])
def test_a_blob_is_written_from_pieces(
    registry: FakeRegistry, repository: Repository, chunk_size: int | None
) -> None:
    data = b"0123456789"
    blob = Descriptor("text/plain", digest_of(data), len(data))
    repository.put_blob_from(blob, iter([b"0123", b"", b"456789"]), chunk_size=chunk_size)
    assert registry.repository("app").blobs == {blob.digest: data}


def test_an_empty_blob_is_written(registry: FakeRegistry, repository: Repository) -> None:
    assert registry.repository("app").blobs == {}
    assert repository.put_blob(b"") == digest_of(b"")
    assert registry.repository("app").blobs == {digest_of(b""): b""}


def test_an_invalid_size_of_chunks_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidValueError, match="invalid chunk_size 0"):
        repository.put_blob(DATA, chunk_size=0)


def test_a_blob_of_the_same_registry_is_mounted(
    registry: FakeRegistry, repository: Repository, source: Repository
) -> None:
    repository.copy_blob(BLOB, source)
    assert registry.repository("app").blobs == {BLOB.digest: DATA}
    assert methods(registry) == ["HEAD", "POST"]


def test_a_registry_that_begins_an_upload_instead_of_mounting_gets_the_bytes(
    registry: FakeRegistry, repository: Repository, source: Repository
) -> None:
    registry.mounts = False
    repository.copy_blob(BLOB, source)
    assert registry.repository("app").blobs == {BLOB.digest: DATA}
    assert sorted(methods(registry)) == ["GET", "HEAD", "POST", "PUT"]


@pytest.mark.feature("S6")
@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
def test_a_registry_that_refuses_to_mount_gets_the_bytes(
    registry: FakeRegistry, repository: Repository, source: Repository, status: int
) -> None:
    registry.fault = lambda _, path: error(status, "DENIED", "no") if "mount=" in path else None
    repository.copy_blob(BLOB, source)
    assert registry.repository("app").blobs == {BLOB.digest: DATA}


def test_a_blob_of_another_registry_is_copied(
    repository: Repository, registry: FakeRegistry
) -> None:
    with fake_registry() as other, RegistryClient() as client:
        other.repository("base").put_blob(DATA)
        repository.copy_blob(BLOB, client.repository(f"{other.host}/base"))
        assert methods(other) == ["GET"]
    assert registry.repository("app").blobs == {BLOB.digest: DATA}


def test_a_refused_upload_is_an_error(registry: FakeRegistry, repository: Repository) -> None:
    registry.fault = lambda method, _: error(413, "TOOBIG", "too big") if method == "PUT" else None
    with pytest.raises(RegistryError) as caught:
        repository.put_blob(DATA)
    assert caught.value.message == (
        f"{registry.host}/app@{BLOB.digest}: {registry.host} answers PUT of the blob with status 413 "
        "(TOOBIG: too big)"
    )


def test_a_registry_that_refuses_to_tell_is_an_error(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda *_: error(400, "UNSUPPORTED", "no")
    with pytest.raises(RegistryError, match="HEAD of the blob with status 400"):
        repository.has_blob(BLOB.digest)
    with pytest.raises(RegistryError, match="GET of the blob with status 400"):
        repository.read_blob(BLOB)
    with pytest.raises(RegistryError, match="POST of the blob with status 400"):
        repository.put_blob_from(BLOB, [DATA])


def test_a_refused_chunk_is_an_error(registry: FakeRegistry, repository: Repository) -> None:
    registry.fault = lambda method, _: error(416, "X", "y") if method == "PATCH" else None
    with pytest.raises(RegistryError, match="PATCH of the blob with status 416"):
        repository.put_blob(DATA, chunk_size=1000)
    assert registry.repository("app").blobs == {}


def test_chunks_have_the_least_size_of_the_registry(
    registry: FakeRegistry, repository: Repository
) -> None:
    started = {"Location": "/v2/app/blobs/uploads/u0", "OCI-Chunk-Min-Length": "200000"}
    registry._uploads["u0"] = b""
    registry.fault = lambda method, _: (202, started, b"") if method == "POST" else None
    repository.put_blob(DATA, chunk_size=1000)
    assert methods(registry) == ["HEAD", "POST", "PATCH", "PATCH", "PUT"]


def test_an_upload_without_a_location_is_an_error(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda method, _: (202, {}, b"") if method == "POST" else None
    with pytest.raises(RegistryError, match="did not say where to send it"):
        repository.put_blob(DATA)


def test_a_blob_with_other_bytes_is_an_error_at_its_end(
    registry: FakeRegistry, source: Repository
) -> None:
    registry.repository("base").blobs[BLOB.digest] = DATA[:-1] + b"x"
    with pytest.raises(RegistryError, match="its bytes do not have this digest"):
        source.read_blob(BLOB)


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x"])
def test_a_blob_of_another_size_is_an_error(
    registry: FakeRegistry, source: Repository, data: bytes
) -> None:
    registry.repository("base").blobs[BLOB.digest] = data
    with pytest.raises(RegistryError, match="its size is not the expected 256000 bytes"):
        source.read_blob(BLOB)


def test_a_huge_blob_is_not_read_as_a_whole(registry: FakeRegistry, repository: Repository) -> None:
    huge = Descriptor("text/plain", BLOB.digest, 2**40)
    with pytest.raises(RegistryError, match="it has 1099511627776 bytes, more than 134217728"):
        repository.read_blob(huge)
    assert registry.requests == []


@pytest.mark.feature("S6")
def test_a_truncated_blob_leaves_nothing_behind(
    registry: FakeRegistry, repository: Repository
) -> None:
    with fake_registry() as other, RegistryClient() as client:
        length = {"Content-Length": str(len(DATA))}
        other.fault = lambda *_: (200, length, DATA[:1000])
        with pytest.raises(TransportError, match="broke off the blob"):
            repository.copy_blob(BLOB, client.repository(f"{other.host}/base"))
    assert registry.repository("app").blobs == {}
