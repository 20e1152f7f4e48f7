"""Manifests, tags and referrers of a repository, and the faults of registries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb.client.registries.client import RegistryClient
from llb.client.registries.descriptors import OCI_MANIFEST, Descriptor
from llb.errors import InvalidValueError, RegistryError, TransportError
from tests.fakes.registry import FakeRegistry, digest_of, error, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.registries.repository import Repository
    from tests.fakes.registry import Answer

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode()
DIGEST = digest_of(MANIFEST)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        registry.repository("o/app").put_manifest(MANIFEST, "v1")
        yield registry


@pytest.fixture
def repository(registry: FakeRegistry) -> Iterator[Repository]:
    with RegistryClient(credentials={"*": None}) as client:
        yield client.repository(f"{registry.host}/o/app")


def test_a_tag_and_a_digest_resolve_to_the_same_descriptor(repository: Repository) -> None:
    expected = Descriptor(OCI_MANIFEST, DIGEST, len(MANIFEST))
    assert repository.resolve("v1") == repository.resolve(DIGEST) == expected


def test_a_manifest_has_the_bytes_of_its_digest(repository: Repository) -> None:
    manifest = repository.manifest("v1")
    assert (manifest.content, manifest.descriptor.digest) == (MANIFEST, DIGEST)


def test_requests_share_a_connection(registry: FakeRegistry, repository: Repository) -> None:
    repository.resolve("v1")
    repository.manifest("v1")
    assert repository.find("v2") is None
    assert [method for method, _ in registry.requests] == ["HEAD", "GET", "HEAD"]


def test_a_registry_without_head_requests_is_asked_with_get(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda method, _: (405, {}, b"") if method == "HEAD" else None
    assert repository.resolve("v1").digest == DIGEST


def test_a_missing_manifest_names_registry_repository_and_tag(
    registry: FakeRegistry, repository: Repository
) -> None:
    with pytest.raises(RegistryError) as caught:
        repository.manifest("v2")
    failure = caught.value
    assert failure.message == (
        f"{registry.host}/o/app:v2: {registry.host} has no such manifest "
        "(MANIFEST_UNKNOWN: manifest unknown)"
    )
    assert (failure.registry, failure.repository) == (registry.host, "o/app")
    assert (failure.reference, failure.status, failure.code) == ("v2", 404, "MANIFEST_UNKNOWN")


def test_the_reason_of_a_refused_head_request_is_asked_for(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda *_: error(403, "DENIED", "not from\nthis address")
    with pytest.raises(RegistryError) as caught:
        repository.resolve("v1")
    assert caught.value.message == (
        f"{registry.host}/o/app:v1: {registry.host} requires credentials, and there are none "
        "(DENIED: not from this address)"
    )
    assert caught.value.hint == f"docker login {registry.host}"


def test_other_bytes_than_those_of_the_digest_are_refused(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda *_: (200, {"Content-Type": OCI_MANIFEST}, b"{}")
    with pytest.raises(RegistryError, match=f"its bytes do not have the digest {DIGEST}"):
        repository.manifest(DIGEST)


def test_a_truncated_manifest_is_an_error(registry: FakeRegistry, repository: Repository) -> None:
    headers = {"Content-Length": "1000", "Docker-Content-Digest": DIGEST}
    registry.fault = lambda *_: (200, headers, MANIFEST)
    with pytest.raises(TransportError, match=r"/o/app:v1: the answer of .* is incomplete: "):
        repository.manifest("v1")


def test_a_huge_manifest_is_refused(registry: FakeRegistry, repository: Repository) -> None:
    registry.fault = lambda *_: (200, {"Docker-Content-Digest": DIGEST}, b" " * 5_000_000)
    with pytest.raises(RegistryError, match="it has more than 4393216 bytes"):
        repository.resolve("v1")


@pytest.mark.parametrize("reference", ["", "a/b", "a b", "-x", "x" * 129, "sha256:12", "md5:1"])
def test_invalid_tags_and_digests_are_refused(repository: Repository, reference: str) -> None:
    with pytest.raises(InvalidValueError, match=r"invalid (tag|digest) "):
        repository.resolve(reference)


def test_a_manifest_is_written_under_its_digest_and_a_tag(
    registry: FakeRegistry, repository: Repository
) -> None:
    content = MANIFEST + b" "
    descriptor = repository.put_manifest(content, OCI_MANIFEST, tag="v2")
    assert descriptor == Descriptor(OCI_MANIFEST, digest_of(content), len(content))
    assert registry.repository("o/app").tags["v2"] == descriptor.digest


def test_a_refused_manifest_is_an_error_with_the_words_of_the_registry(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda *_: error(400, "MANIFEST_INVALID", "no indexes here")
    with pytest.raises(RegistryError) as caught:
        repository.put_manifest(MANIFEST, OCI_MANIFEST, tag="v2")
    assert caught.value.message == (
        f"{registry.host}/o/app:v2: {registry.host} answers PUT of the manifest with status 400 "
        "(MANIFEST_INVALID: no indexes here)"
    )


def test_a_registry_that_stores_other_bytes_is_an_error(
    registry: FakeRegistry, repository: Repository
) -> None:
    other = {"Docker-Content-Digest": digest_of(b"")}
    registry.fault = lambda *_: (201, other, b"")
    with pytest.raises(RegistryError, match="it was stored as sha256:e3b0c4"):
        repository.put_manifest(MANIFEST, OCI_MANIFEST)


def test_tags_are_listed_page_by_page(registry: FakeRegistry, repository: Repository) -> None:
    registry.page = 2
    registry.repository("o/app").tags = dict.fromkeys("abcde", DIGEST)
    assert list(repository.tags()) == list("abcde")
    assert len(registry.requests) == 3


def test_referrers_are_filtered_by_their_type(
    registry: FakeRegistry, repository: Repository
) -> None:
    store = registry.repository("o/app")
    kinds = ("application/vnd.a", "application/vnd.b")
    first, second = (
        store.put_manifest(
            {"mediaType": OCI_MANIFEST, "artifactType": kind, "subject": {"digest": DIGEST}}
        )
        for kind in kinds
    )
    assert [one.digest for one in repository.referrers(DIGEST)] == [first, second]
    assert [one.digest for one in repository.referrers(DIGEST, kinds[1:])] == [second]


def test_referrers_of_older_registries_are_in_an_index_under_a_tag(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.has_referrers = False
    assert repository.referrers(DIGEST) == ()
    signature = {"mediaType": OCI_MANIFEST, "digest": digest_of(b"s"), "size": 1}
    index = {"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [signature]}
    registry.repository("o/app").put_manifest(index, DIGEST.replace(":", "-"))
    assert [one.digest for one in repository.referrers(DIGEST)] == [signature["digest"]]


def test_a_referrer_is_added_to_the_index_of_registries_that_do_not_list_it(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.has_referrers = False
    written = []
    for kind in ("application/vnd.a", "application/vnd.b", "application/vnd.a"):
        content = {
            "mediaType": OCI_MANIFEST,
            "artifactType": kind,
            "subject": {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": len(MANIFEST)},
            "annotations": {"k": kind},
        }
        written.append(repository.put_manifest(json.dumps(content).encode(), OCI_MANIFEST))
    first, second = repository.referrers(DIGEST)
    assert [first.digest, second.digest] == [one.digest for one in written[:2]]
    assert (first.artifact_type, first.annotations) == (
        "application/vnd.a",
        {"k": "application/vnd.a"},
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nonsense", "it is not JSON"),
        (b"[]", "expected a JSON object"),
        (b'{"manifests": 7}', "invalid manifests: expected a list"),
        (b'{"manifests": [{"digest": "x"}]}', "invalid digest 'x'"),
        (b"[" * 100_000, "it is not JSON"),
    ],
)
def test_invalid_answers_are_errors(
    registry: FakeRegistry, repository: Repository, body: bytes, reason: str
) -> None:
    registry.fault = lambda *_: (200, {}, body)
    with pytest.raises(RegistryError, match=reason):
        repository.referrers(DIGEST)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"a line\nof \x1b[1mtext", " (a line of [1mtext)"),
        (b"<html>a page</html>", ""),
        (b'{"message": "words"}', " (words)"),
        (b'{"errors": [{"code": "X"}]}', " (X)"),
        (b"7", ""),
        (b"x" * 100_000, ""),
        (b"x" * 1000, f" ({'x' * 300})"),
    ],
)
def test_errors_have_the_words_of_the_server_as_far_as_they_are_text(
    registry: FakeRegistry, repository: Repository, body: bytes, shown: str
) -> None:
    registry.fault = lambda *_: (418, {}, body)
    with pytest.raises(RegistryError) as caught:
        repository.manifest("v1")
    assert caught.value.message == (
        f"{registry.host}/o/app:v1: {registry.host} answers GET of the manifest with status 418{shown}"
    )


@pytest.mark.parametrize("body", [b'{"tags": 7}', b'{"tags": [7]}'])
def test_tags_that_are_no_strings_are_refused(
    registry: FakeRegistry, repository: Repository, body: bytes
) -> None:
    registry.fault = lambda *_: (200, {}, body)
    with pytest.raises(RegistryError, match="its tags are not a list of strings"):
        list(repository.tags())


def test_pages_of_tags_on_another_server_are_not_read(
    registry: FakeRegistry, repository: Repository
) -> None:
    link = {"Link": '<http://elsewhere.example/v2/o/app/tags/list?n=1>; rel="next"'}
    registry.fault = lambda *_: (200, link, b'{"tags": ["a"]}')
    assert list(repository.tags()) == ["a"]


def test_a_refused_list_is_an_error(registry: FakeRegistry, repository: Repository) -> None:
    registry.fault = lambda *_: error(404, "NAME_UNKNOWN", "unknown")
    with pytest.raises(RegistryError, match="has no such repository"):
        list(repository.tags())
    registry.fault = lambda *_: error(400, "UNSUPPORTED", "no")
    with pytest.raises(RegistryError, match="GET of the manifest with status 400"):
        repository.referrers(DIGEST)


def test_referrers_in_anything_but_an_index_are_refused(
    registry: FakeRegistry, repository: Repository
) -> None:
    registry.fault = lambda *_: (200, {}, MANIFEST)
    with pytest.raises(RegistryError, match="its referrers are not an OCI index"):
        repository.referrers(DIGEST)


def test_a_manifest_with_another_digest_in_its_header_is_refused(
    registry: FakeRegistry, repository: Repository
) -> None:
    other = {"Docker-Content-Digest": digest_of(b"other")}
    registry.fault = lambda *_: (200, other, MANIFEST)
    with pytest.raises(RegistryError, match="do not have the digest sha256:d9298a10d1b073583"):
        repository.manifest("v1")
    with pytest.raises(RegistryError, match="the registry answers with the digest sha256:d9298"):
        repository.resolve(DIGEST)


def test_a_registry_that_fails_for_a_moment_is_asked_again(
    registry: FakeRegistry, repository: Repository
) -> None:
    waits: list[float] = []
    repository._requests._wait = waits.append
    answers: Iterator[Answer] = iter([(503, {}, b""), (429, {}, b"")])
    registry.fault = lambda *_: next(answers, None)
    assert repository.resolve("v1").digest == DIGEST
    assert waits == [1, 2]


def test_a_registry_that_is_not_there_is_an_error() -> None:
    with RegistryClient() as client, pytest.raises(TransportError) as caught:
        client.repository("127.0.0.1:1/app").resolve("v1")
    assert caught.value.message == (
        "127.0.0.1:1/app:v1: cannot reach 127.0.0.1:1: Connection refused"
    )


def test_a_registry_without_tls_is_named_with_a_hint(registry: FakeRegistry) -> None:
    host = registry.host
    options = f"host={host},insecure=true"
    with RegistryClient(tls=[options]) as client, pytest.raises(TransportError) as caught:
        client.repository(f"{host}/app").resolve("v1")
    assert caught.value.message == f"{host}/app:v1: cannot reach {host}: it does not speak TLS"
    assert caught.value.hint == f"pass plain_http=['{host}'] if it has no TLS"
